"""A server that stands still for 200 ms in every second, at a rate it could easily serve: the
latencies must show it, and only the uncorrected ones may hide it. And one that stops when the measured
window ends: what could not be sent any more counts as well. And the other way round, a load generator
that stands still: its figures are not the server's, and it says so.

Usage: stall_test.py LOADGEN SERVER [server option ...]
"""

import json
import signal
import sys
import tempfile
import time
from pathlib import Path

from child import Child, wait_until
from real_server import real_server

# A fifth of the messages is due in a stall, so of these half wait for more than 100 ms. Of the
# others hardly one does, nor of those that are sent in a stall: --outstanding lets out 4 of 200.
CORRECTED_P90_MIN_NS = 50e6
SHOWN_TIMES = 5
# How long the load generator is stopped, and the least that it must see of that in a window of 2 s.
STOPPED_SECONDS = 0.4
HICCUP_P99_MIN_NS = 200e6


def check(results):
    assert not any(results["violations"].values()), results["violations"]
    latencies = results["latencies"]
    for kind in ("own_copy", "last_member"):
        corrected, uncorrected = latencies[kind], latencies[f"{kind}_uncorrected"]
        # Where the window ends in a stall, what was due and never sent counts in the corrected one.
        unsent = results["counts"]["messages_unsent"]
        assert corrected["count"] == uncorrected["count"] + unsent, (unsent, corrected, uncorrected)
        assert corrected["p90_ns"] >= CORRECTED_P90_MIN_NS, (kind, corrected)
        assert corrected["p90_ns"] >= SHOWN_TIMES * uncorrected["p90_ns"], (corrected, uncorrected)
        # The stall itself hides from nobody: a few messages are in it.
        assert uncorrected["max_ns"] >= CORRECTED_P90_MIN_NS, (kind, uncorrected)
    # What the bound held back is no lateness of the load generator.
    assert latencies["send_lag"]["p90_ns"] * 2 <= latencies["own_copy"]["p90_ns"], latencies
    print("own copy, p90: "
          f"{latencies['own_copy']['p90_ns'] / 1e6:.1f} ms from when messages were due, "
          f"{latencies['own_copy_uncorrected']['p90_ns'] / 1e6:.1f} ms from when they were sent")


def check_no_blame(results):
    """A run is only invalid where the load generator itself was busy or late: on a busy machine."""
    latencies = results["latencies"]
    judged = ("hiccup", "send_lag", "last_member")
    level = "p90_ns" if None in (latencies[kind]["p99_ns"] for kind in judged) else "p99_ns"
    late = max(latencies["hiccup"][level], latencies["send_lag"][level])
    busy = results["loadgen"]["cpu_percent"] > 90
    assert results["valid"] or busy or late * 10 >= latencies["last_member"][level], results


class Watched:
    """An open loop at 1,000 messages a second whose metrics and results can be read."""

    def __init__(self, loadgen, port, folder, name, *options):
        self._textfile = folder / f"{name}.prom"
        self._json_file = folder / f"{name}.json"
        self.load = Child([loadgen, "fanout", f"--connect=127.0.0.1:{port}", "--members=2",
                           "--rate=1000", "--outstanding=4", "--warm-up=0",
                           f"--json={self._json_file}", f"--metrics-textfile={self._textfile}",
                           "--metrics-interval=100ms", *options], folder / f"{name}.log")

    def wait_for(self, name, value, what, label=""):
        """Until the metrics hold this value, for the series with one more label where one is named."""
        labels = f'server="unknown",workload="fanout"{"," if label else ""}{label}'
        series = f"ringside_load_{name}{{{labels}}} {value}"
        wait_until(lambda: self._textfile.exists() and series in self._textfile.read_text(), 30.0,
                   what)

    def end(self):
        """The exit code, the JSON results and the table."""
        code = self.load.wait(60.0)
        return code, json.loads(self._json_file.read_text()), self.load.output.read_text()


def check_generator_stops(loadgen, port, folder):
    """A load generator that is stopped in its window: nothing it sent was late, since the bound holds
    the messages back, and still the figures are its own."""
    run = Watched(loadgen, port, folder, "standstill", "--duration=2s")
    run.wait_for("phase", 1, "the measured window", 'phase="measure"')
    run.load.signal(signal.SIGSTOP)
    time.sleep(STOPPED_SECONDS)  # standing still is time, and nothing else to wait for
    run.load.signal(signal.SIGCONT)
    run.wait_for("invalid", 1, "the verdict in the metrics", 'reason="hiccup"')
    code, results, table = run.end()
    assert not any(results["violations"].values()), results["violations"]
    latencies = results["latencies"]
    assert code == 4 and not results["valid"], f"exit code {code}:\n{table}"
    assert latencies["hiccup"]["p99_ns"] >= HICCUP_P99_MIN_NS, latencies
    assert latencies["send_lag"]["p99_ns"] * 10 <= latencies["hiccup"]["p99_ns"], latencies
    assert "(hiccup)" in results["generator_limit"], results["generator_limit"]
    assert "INVALID: the load generator was late itself" in table, table
    print(f"load generator stopped for {STOPPED_SECONDS} s: {results['generator_limit']}")


def check_stop_over_the_end(loadgen, server, port, folder):
    """A server that stops in the window and goes on after it: what it was never sent is missed."""
    run = Watched(loadgen, port, folder, "stopped", "--duration=3s", "--slo=p99<=1s")
    run.wait_for("measuring", 1, "the measured window")
    server.signal(signal.SIGSTOP)
    run.wait_for("measuring", 0, "the end of the window")
    server.signal(signal.SIGCONT)
    _, results, _ = run.end()
    check_no_blame(results)
    counts, latencies = results["counts"], results["latencies"]
    assert not any(results["violations"].values()), results["violations"]
    # All that was due is there: a thousand a second, but for what the window's ends cut.
    assert abs(counts["messages_due"] - 1000 * results["measured_seconds"]) <= 2, results
    assert counts["messages_unsent"] > 0, counts
    assert latencies["last_member"]["count"] == counts["messages_due"], results


def main():
    loadgen, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with real_server(command, folder, "--inject-stall=200ms") as (_, port):
            load = Child([loadgen, "fanout", f"--connect=127.0.0.1:{port}", "--members=10",
                          "--rate=1000", "--outstanding=4", "--duration=4s", "--warm-up=100ms",
                          f"--json={folder / 'load.json'}"], folder / "load.log")
            load.wait(60.0)
            results = json.loads((folder / "load.json").read_text())
            check_no_blame(results)
            check(results)
        server_folder = folder / "second"
        server_folder.mkdir()
        with real_server(command, server_folder) as (server, port):
            check_stop_over_the_end(loadgen, server, port, folder)
            check_generator_stops(loadgen, port, folder)


if __name__ == "__main__":
    main()
