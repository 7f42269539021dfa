"""Every series that servers and load generator write arrives in Prometheus, with the same value.

Usage: prometheus_test.py BUILD_FOLDER

Both servers run at once, each under its own load generator, and write into one folder: four files
in which a name must never have two HELP texts or types, since node-exporter would drop the second
file's series and say so nowhere but in its log. To compare exactly, the four processes are stopped
(SIGSTOP) for as long as Prometheus needs to scrape what stands in their files; then they go on,
end, and what Prometheus saw is compared with the load generator's own JSON.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from child import Child, ChildError, wait_for_port, wait_until
from exposition import parse
from monitoring import Monitoring, MonitoringMissing

SKIP = 77
OWN_COPY = 'ringside_load_latency_seconds_{part}{{server="{label}",request="own_copy"}}'
BOUNDS = 19  # 10 µs to 10 s in 1-2-5 steps
# Labels that Prometheus adds to what it scrapes.
ADDED = ("__name__", "instance", "job")


def monitoring_or_skip(folder):
    """The monitoring, unpacked first where it is missing; exit 77 where it cannot be had."""
    try:
        return Monitoring(folder)
    except MonitoringMissing:
        done = subprocess.run([ROOT / "tools/bootstrap", "--monitoring"], check=False,
                              capture_output=True, text=True)
    try:
        return Monitoring(folder)
    except MonitoringMissing as error:
        print(f"skipped: {error}\n{done.stdout}{done.stderr}")
        sys.exit(SKIP)


class Pair:
    """A server and its load generator, writing LABEL.prom and LABEL-load.prom."""

    def __init__(self, build, folder, textfiles, label, program, *options):
        self.label = label
        self.files = [textfiles / f"{label}.prom", textfiles / f"{label}-load.prom"]
        self.result = folder / f"{label}.json"
        self._generator = None
        self._server = Child([build / program, *options, "--listen=127.0.0.1:0",
                              f"--port-file={folder / label}.port",
                              f"--data={folder / label}.data", "--metrics-interval=200ms",
                              f"--metrics-textfile={self.files[0]}"], folder / f"{label}.log")
        try:
            port = wait_for_port(self._server, Path(f"{folder / label}.port"))
            self._generator = Child(
                [build / "loadgen/loadgen", "thesis", "--users=10", "--duration=10m",
                 "--warm-up=500ms", f"--connect=127.0.0.1:{port}", f"--json={self.result}",
                 f"--metrics-textfile={self.files[1]}", "--metrics-interval=200ms",
                 f"--server-label={label}"], folder / f"{label}-load.log")
        except BaseException:
            self.end()
            raise

    def freeze(self):
        """Stops both processes; returns when none of their threads can write any more."""
        for child in (self._generator, self._server):
            child.signal(signal.SIGSTOP)
        for child in (self._generator, self._server):
            wait_until(lambda child=child: stopped(child.pid), 5.0, "a process to stop")

    def go_on(self):
        """Lets both processes run again."""
        for child in (self._generator, self._server):
            child.signal(signal.SIGCONT)

    def check_running(self):
        """ChildError where one of them has ended."""
        for child in (self._generator, self._server):
            if child.exit_code() is not None:
                raise ChildError(f"{child.arguments[0]} has ended: {child.last_lines()}")

    def finish(self):
        """Interrupts the load and stops the server; the load generator's JSON."""
        self._generator.signal(signal.SIGINT)
        code = self._generator.wait(60.0)
        # 4: it was stopped for a part of its window, and says that this was its limit.
        assert code in (130, 4), f"loadgen ended with {code}: {self._generator.last_lines()}"
        code = self._server.stop()
        assert code == 0, f"{self.label} ended with {code}: {self._server.last_lines()}"
        return json.loads(self.result.read_text())

    def end(self):
        """Whatever happened, nothing stays behind."""
        for child in (self._generator, self._server):
            if child is not None:
                child.kill()


def stopped(pid):
    """Whether every thread of a process is stopped."""
    states = [path.read_text().rsplit(")", 1)[1].split()[0]
              for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(state == "T" for state in states)


def series(name, labels):
    """A series' identity, the same from either end: a bound may be written 0.00001 or 1e-05."""
    return name, frozenset((label, float(value) if label == "le" else value)
                           for label, value in labels if label not in ADDED)


def own_copies(monitoring, label):
    """How many own copies Prometheus knows of."""
    return monitoring.value(OWN_COPY.format(part="count", label=label)) or 0


def check_frozen(monitoring, pairs):
    """Every sample of every file is in Prometheus, with the same value and type."""
    absent = [path.name for pair in pairs for path in pair.files if not path.exists()]
    assert not absent, f"textfiles were not written: {absent}"
    files = {path: parse(path.read_text()) for pair in pairs for path in pair.files}
    expected, kinds, helps = {}, {}, {}
    for path, (samples, types, words) in files.items():
        assert samples, f"{path.name} has no samples"
        here = {series(*sample): value for sample, value in samples.items()}
        assert not here.keys() & expected.keys(), f"{path.name} repeats series of another file"
        expected |= here
        for name in types:
            assert kinds.setdefault(name, types[name]) == types[name], f"{name} has two types"
            assert helps.setdefault(name, words[name]) == words[name], f"{name} has two HELP texts"

    frozen = time.time()
    query = 'timestamp(up{job="ringside"})'
    wait_until(lambda: (monitoring.value(query) or 0) > frozen, 10.0, "a scrape of frozen files")
    found = {series(metric["__name__"], metric.items()): value
             for metric, _, value in monitoring.query('{__name__=~"ringside_.*"}')}
    missing = expected.keys() - found.keys()
    assert not missing, f"{len(missing)} series did not arrive: {sorted(map(str, missing))[:5]}"
    assert not found.keys() - expected.keys(), "Prometheus has series that no file holds"
    wrong = {one: (value, found[one]) for one, value in expected.items() if found[one] != value}
    assert not wrong, f"values differ: {list(wrong.items())[:3]}"
    assert monitoring.value("node_textfile_scrape_error") == 0.0
    assert "inconsistent" not in monitoring.exporter_log(), monitoring.exporter_log()
    print(f"{len(expected)} series of {len(files)} files arrived with their values")


def check_histogram(monitoring, label):
    """The buckets rise, the last one is the count. Returns {bound: value at or below it}."""
    buckets = {float(metric["le"]): value for metric, _, value
               in monitoring.query(OWN_COPY.format(part="bucket", label=label))}
    ordered = [buckets[bound] for bound in sorted(buckets)]
    assert len(ordered) == BOUNDS + 1, f"{label}: {len(ordered)} buckets"
    assert ordered == sorted(ordered), f"{label}: buckets fall: {ordered}"
    assert ordered[-1] == own_copies(monitoring, label), f"{label}: +Inf is not the count"
    return buckets


def check_result(label, buckets, result):
    """What Prometheus saw is a part of what the load generator reports in the end."""
    own = result["latencies"]["own_copy"]
    seen = buckets[float("inf")]
    assert not any(result["violations"].values()) and "failure" not in result, result
    assert 0 < seen <= own["count"], f"{label}: {seen} of {own['count']}"
    # Buckets are counted from fine ones, 0.1 % wide.
    bounds = [0.0, *sorted(buckets)]
    counts = [0.0, *(buckets[bound] for bound in bounds[1:])]
    filled = [at for at in range(1, len(bounds)) if counts[at] > counts[at - 1]]
    assert own["min_ns"] / 1e9 <= bounds[filled[0]] * 1.001, f"{label}: the minimum is too high"
    assert own["max_ns"] / 1e9 >= bounds[filled[-1] - 1] * 0.999, f"{label}: the maximum is too low"
    print(f"{label}: Prometheus saw {seen:.0f} own copies, the load generator {own['count']}")


def check_gone(monitoring, pairs):
    """Files are removed on a clean exit, so nothing stale is served."""
    left = [path.name for pair in pairs for path in pair.files if path.exists()]
    assert not left, f"textfiles are left behind: {left}"
    wait_until(lambda: not monitoring.query('{__name__=~"ringside_.*"}'), 10.0,
               "the series to end with their files")


def main():
    """One run of everything."""
    build = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="ringside-prometheus-") as name:
        folder = Path(name)
        with monitoring_or_skip(folder / "monitoring") as monitoring:
            pairs = []
            try:
                for label, *command in (("pipeline", "src/pipeline/pipeline-server"),
                                        ("uring-epoll", "src/uring_async/uring-server",
                                         "--io=epoll")):
                    pairs.append(Pair(build, folder, monitoring.textfiles, label, *command))

                def measured():
                    for pair in pairs:
                        pair.check_running()
                    return all(own_copies(monitoring, pair.label) > 0 for pair in pairs)

                wait_until(measured, 20.0, "own copies of both servers in Prometheus")
                for pair in pairs:
                    pair.freeze()
                check_frozen(monitoring, pairs)
                histograms = {pair.label: check_histogram(monitoring, pair.label)
                              for pair in pairs}
                for pair in pairs:
                    pair.go_on()
                for pair in pairs:
                    check_result(pair.label, histograms[pair.label], pair.finish())
                check_gone(monitoring, pairs)
            finally:
                for pair in pairs:
                    pair.end()


if __name__ == "__main__":
    main()
