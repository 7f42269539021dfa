"""A real Prometheus and a real node-exporter for the time of one comparison or one test.

1. Both run as ordinary children on free loopback ports with their own folders; nothing is
   installed, no service is touched, and both end with the `with` block.
2. Servers and load generator write `*.prom` into `textfiles`; the exporter serves the files,
   Prometheus scrapes them once a second.
3. A query asks the HTTP API, as a person or a dashboard would.

`tools/bootstrap --monitoring` unpacks the two programs into build/monitoring.
"""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from child import Child, ChildError, start_on_free_port, wait_until

SCRAPE_SECONDS = 1.0
START_SECONDS = 30.0

_CONFIGURATION = """global:
  scrape_interval: 1s
  scrape_timeout: 1s
scrape_configs:
  - job_name: ringside
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


# Where the bootstrap unpacks them, whatever build folder is in use.
FOLDER = Path(__file__).resolve().parent.parent / "build/monitoring/usr/bin"


class MonitoringMissing(ChildError):
    """The programs are not unpacked."""


def programs():
    """The paths of (prometheus, node-exporter); MonitoringMissing says how to get them."""
    found = FOLDER / "prometheus", FOLDER / "prometheus-node-exporter"
    for program in found:
        if not program.exists():
            raise MonitoringMissing(f"{program} is missing: run tools/bootstrap --monitoring")
    return found


def fetch(url, seconds=10.0):
    """The body; OSError where there is no answer, also for an answer that is no success."""
    with urllib.request.urlopen(url, timeout=seconds) as answer:
        return answer.read().decode()


class Monitoring:
    """Use as a context manager; everything it makes is below `folder`."""

    def __init__(self, folder):
        self._prometheus_program, self._exporter_program = programs()
        self._folder = Path(folder)
        self.textfiles = self._folder / "textfiles"
        self._children = []
        self.exporter_url = self.prometheus_url = ""

    def __enter__(self):
        self.textfiles.mkdir(parents=True)
        try:
            exporter_port = self._start(self._start_exporter, "/metrics")
            self.exporter_url = f"http://127.0.0.1:{exporter_port}"
            configuration = self._folder / "prometheus.yml"
            configuration.write_text(_CONFIGURATION.format(port=exporter_port))
            prometheus_port = self._start(self._start_prometheus, "/-/ready")
            self.prometheus_url = f"http://127.0.0.1:{prometheus_port}"
            wait_until(lambda: self.value('up{job="ringside"}') == 1.0, START_SECONDS,
                       "Prometheus to scrape the exporter")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for child in reversed(self._children):
            child.stop()
        self._children.clear()

    def _start_exporter(self, port):
        return Child([self._exporter_program, f"--web.listen-address=127.0.0.1:{port}",
                      "--collector.disable-defaults", "--collector.textfile",
                      f"--collector.textfile.directory={self.textfiles}"],
                     self._folder / "node-exporter.log")

    def _start_prometheus(self, port):
        return Child([self._prometheus_program, f"--web.listen-address=127.0.0.1:{port}",
                      f"--config.file={self._folder / 'prometheus.yml'}",
                      f"--storage.tsdb.path={self._folder / 'series'}", "--log.level=warn"],
                     self._folder / "prometheus.log")

    def _start(self, start, ready_path):
        child, port = start_on_free_port(start, lambda port: self._answers(port, ready_path))
        self._children.append(child)
        return port

    @staticmethod
    def _answers(port, path):
        try:
            fetch(f"http://127.0.0.1:{port}{path}", 1.0)
            return True
        except OSError:
            return False

    def exporter_log(self):
        """What the exporter complained about: it drops contradicting series without an error."""
        return (self._folder / "node-exporter.log").read_text(errors="replace")

    def _ask(self, path, **parameters):
        url = f"{self.prometheus_url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            answer = json.loads(fetch(url))
        except urllib.error.HTTPError as error:
            raise ChildError(f"Prometheus refuses {url}: {error.read().decode()}") from error
        except (OSError, http.client.HTTPException) as error:
            raise ChildError(f"Prometheus does not answer {url}: {error}") from error
        return answer["data"]

    def query(self, expression):
        """Instant query: a list of (labels, timestamp, value)."""
        return [(entry["metric"], float(entry["value"][0]), float(entry["value"][1]))
                for entry in self._ask("query", query=expression)["result"]]

    def value(self, expression):
        """The one value of an instant query; None where there is none."""
        found = self.query(expression)
        return found[0][2] if found else None

    def query_range(self, expression, start, end, step=SCRAPE_SECONDS):
        """A list of (labels, [(timestamp, value), ...])."""
        answer = self._ask("query_range", query=expression, start=f"{start:.3f}",
                           end=f"{end:.3f}", step=f"{step:g}")
        return [(entry["metric"], [(float(when), float(value)) for when, value in entry["values"]])
                for entry in answer["result"]]
