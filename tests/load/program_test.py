"""The load generator as a user runs it, against a server: its exit codes, its files, its signals.

Usage: program_test.py LOADGEN SERVER [server option ...]
"""

import csv
import io
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from child import Child, wait_until
from real_server import real_server


class Bench:
    """One server, and load generators against it."""

    def __init__(self, loadgen, server, port, folder):
        self.loadgen, self._port, self.folder = loadgen, port, folder
        self._runs = 0
        self.server = server

    def start(self, *arguments):
        """A load generator; its results go to `json_file(run)`."""
        self._runs += 1
        return self.start_to(self.folder / f"{self._runs}.json", *arguments)

    def command(self, *arguments):
        """How to call the load generator."""
        return [self.loadgen, *arguments, f"--connect=127.0.0.1:{self._port}"]

    def start_to(self, json_file, *arguments):
        """A load generator whose results go to this file."""
        output = self.folder / f"loadgen-{self._runs}.log"
        return Child([*self.command(*arguments), f"--json={json_file}"], output)

    def run(self, *arguments):
        """The exit code and the JSON results of a whole run."""
        child = self.start(*arguments)
        return child.wait(60.0), self.results(), child.output.read_text()

    def results(self):
        return json.loads((self.folder / f"{self._runs}.json").read_text())


def check_valid_runs(bench):
    # The second thesis finds the rooms of the first with their history.
    for arguments, senders in ((("thesis", "--users=20"), 20),
                               (("fanout", "--rooms=5", "--members=4", "--publishers=2"), 10),
                               (("thesis", "--users=20", "--outstanding=3", "--seed=2"), 20)):
        code, results, table = bench.run(*arguments, "--duration=1s", "--warm-up=200ms",
                                         f"--server-pid={bench.server.pid}", "--server-label=it")
        assert code == 0, f"{arguments}: exit code {code}:\n{table}"
        assert results["valid"] and not any(results["violations"].values()), results
        assert results["counts"]["connections"] == 20, results["counts"]
        assert results["counts"]["messages_sent"] >= senders, results["counts"]
        assert results["counts"]["deliveries"] > results["counts"]["messages_sent"] / 2, results
        assert 1.0 <= results["measured_seconds"] < 2.0, results["measured_seconds"]
        assert results["server"]["pid"] == bench.server.pid and results["server_label"] == "it"
        assert "VALID: all" in table, table
        own_copy = results["latencies"]["own_copy"]
        assert 0 < own_copy["min_ns"] <= own_copy["max_ns"] < 60e9, own_copy


def check_sources(bench):
    """More addresses to connect from, which only loopback has."""
    code, results, table = bench.run("fanout", "--members=30", "--sources=7", "--duration=200ms",
                                     "--warm-up=0")
    assert code == 0 and results["counts"]["connections"] == 30, table
    refused = Child([bench.loadgen, "idle", "--connect=192.0.2.1:5000", "--sources=2"],
                    bench.folder / "sources.log")
    assert refused.wait(30.0) == 2, refused.output.read_text()
    assert "--sources: 192.0.2.1:5000 is not reached" in refused.output.read_text()


def check_idle(bench, protocol):
    """The memory of a connection is what the server has more with all of them, shared out."""
    code, results, table = bench.run("idle", f"--protocol={protocol}", "--users=2000", "--rooms=3",
                                     "--duration=200ms", f"--server-pid={bench.server.pid}")
    assert code == 0 and "VALID: all 2,000 connections stayed" in table, table
    server = results["server"]
    due = (server["resident_bytes_idle"] - server["resident_bytes_before"]) / 2000
    assert abs(server["resident_bytes_per_connection"] - due) < 0.01 and 0 < due < 100_000, server
    assert results["counts"]["connections"] == 2000, results
    assert results["counts"]["deliveries"] == 0, results


def check_slo(bench):
    """Met, missed, and not to be judged for want of samples."""
    for slo, wanted, met, said in (
            ("p50<=60s", 0, True, "SLO met: last_member p50"),
            ("own_copy:p50<=1ns", 3, False, "SLO MISSED: own_copy p50 is"),
            ("p99.9999<=60s", 3, None, "SLO UNKNOWN: last_member p99.9999 needs 10000000 samples")):
        code, results, table = bench.run("fanout", "--members=5", "--duration=500ms",
                                         "--warm-up=100ms", f"--slo={slo}",
                                         f"--hgrm={bench.folder / 'distributions'}")
        assert code == wanted and said in table, f"exit code {code} with --slo {slo}:\n{table}"
        assert results["valid"] and results["slo"]["met"] is met, results["slo"]


def check_standard_output(bench, folder):
    """Of a run to a pipe: the data alone on standard output, the table on standard error."""
    other = folder / "latencies"
    for data, file in (("--json", "--csv"), ("--csv", "--json")):
        done = subprocess.run([*bench.command("thesis", "--users=2", "--duration=300ms",
                                              "--warm-up=0"), f"{data}=-", f"{file}={other}"],
                              capture_output=True, timeout=60.0, check=False)
        table = done.stderr.decode()
        assert done.returncode == 0 and "VALID: all" in table, table
        texts = {data: done.stdout, file: other.read_bytes()}
        latencies = json.loads(texts["--json"])["latencies"]
        rows = list(csv.DictReader(io.StringIO(texts["--csv"].decode(), newline="")))
        assert {row["latency"] for row in rows} == set(latencies), rows
        for row in rows:
            assert len(row) == 16 and None not in row, row
            latency = latencies[row["latency"]]
            for column, text in list(row.items())[6:]:
                value = latency[column]
                assert text == ("" if value is None else str(value)), (column, row, latency)
    done = subprocess.run([*bench.command("thesis"), "--json=-", "--csv=-"], capture_output=True,
                          text=True, timeout=60.0, check=False)
    assert done.returncode == 2 and not done.stdout, done
    assert "cannot both go to standard output" in done.stderr, done.stderr


def check_distributions(folder):
    """What the runs before wrote with --hgrm: a file for each latency that was measured."""
    names = {path.stem for path in folder.iterdir()}
    assert {"own_copy", "first_member", "median_member", "last_member"} <= names, names
    lines = (folder / "own_copy.hgrm").read_text().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"], lines[0]
    assert lines[-4].split()[1] == "1.000000000000", lines[-4]


def check_textfile_and_interrupt(bench, folder):
    """The metrics are there while it runs and gone after Ctrl-C, whose partial result is whole."""
    textfile = folder / "load.prom"
    child = bench.start("fanout", "--members=10", "--duration=10m", "--warm-up=0",
                        f"--metrics-textfile={textfile}", "--metrics-interval=100ms")
    wait_until(lambda: textfile.exists() and "load_measuring{" in textfile.read_text()
               and 'ringside_load_measuring{server="unknown",workload="fanout"} 1'
               in textfile.read_text(), 30.0, "metrics of the measured window")
    child.signal(signal.SIGINT)
    code = child.wait(30.0)
    assert code == 130, f"exit code {code} after Ctrl-C:\n{child.last_lines(30)}"
    assert not textfile.exists(), "the metrics outlived the run"
    results = bench.results()
    assert results["interrupted"] and results["valid"], results
    assert results["measured_seconds"] > 0


def check_server_killed(bench):
    child = bench.start("thesis", "--users=5", "--duration=10m", "--warm-up=0")
    wait_until(lambda: Path(f"/proc/{bench.server.pid}/fd").is_dir()
               and len(list(Path(f"/proc/{bench.server.pid}/fd").iterdir())) > 10, 30.0,
               "users to connect")
    bench.server.kill()
    code = child.wait(30.0)
    text = child.output.read_text()
    assert code == 1, f"exit code {code} after the server was killed:\n{text}"
    assert "lost the connection" in text or "cannot connect" in text, text
    assert not bench.results()["valid"]


def check_json_path(bench, folder):
    """A path that is no good is told of before the run; one that becomes it ends with 2 as well."""
    child = bench.start_to(folder, "thesis")
    code, text = child.wait(30.0), child.output.read_text()
    assert code == 2 and "is a folder" in text, f"exit code {code}: {text}"
    assert len(text.strip().splitlines()) == 1, text
    there, textfile = folder / "there", folder / "json.prom"
    there.mkdir()
    child = bench.start_to(there / "result.json", "thesis", "--users=2", "--duration=1s",
                           f"--metrics-textfile={textfile}", "--metrics-interval=100ms")
    wait_until(textfile.exists, 30.0, "the run to begin")
    there.rmdir()
    code = child.wait(30.0)
    assert code == 2, f"exit code {code} where the results cannot be written"
    text = child.output.read_text()
    assert "cannot write" in text, text


def check_hgrm_path(bench, folder):
    (folder / "file").write_text("")
    child = bench.start("thesis", f"--hgrm={folder / 'file' / 'below'}")
    code, text = child.wait(30.0), child.output.read_text()
    assert code == 2 and text.startswith("loadgen: --hgrm: cannot write into"), f"{code}: {text}"
    assert len(text.strip().splitlines()) == 1, text


def check_nobody_there(bench):
    code, results, text = bench.run("thesis")
    assert code == 1, f"exit code {code} where nobody listens"
    assert "cannot connect" in text and "--connect" in text, text
    assert len(text.strip().splitlines()) == 1, text
    assert "cannot connect" in results["failure"], results
    lost = Child([bench.loadgen, "thesis", "--connect=no..such.host:1"], bench.folder / "lost.log")
    code, text = lost.wait(30.0), lost.output.read_text()
    assert code == 2 and "--connect: cannot find host 'no..such.host' (" in text, f"{code}: {text}"


def main():
    """Each check; an AssertionError says what a user would have seen."""
    loadgen, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-load-") as name:
        folder = Path(name)
        with real_server(command, folder) as (server, port):
            bench = Bench(loadgen, server, port, folder)
            check_idle(bench, "chat")
            check_valid_runs(bench)
            check_sources(bench)
            check_slo(bench)
            check_standard_output(bench, folder)
            check_distributions(folder / "distributions")
            check_textfile_and_interrupt(bench, folder)
            check_json_path(bench, folder)
            check_hgrm_path(bench, folder)
            check_server_killed(bench)
            check_nobody_there(bench)


if __name__ == "__main__":
    main()
