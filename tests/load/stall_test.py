"""A server that stands still for 200 ms in every second, at a rate it could easily serve: the
latencies must show it, and only the uncorrected ones may hide it. And one that stops when the measured
window ends: what could not be sent any more counts as well.

Usage: stall_test.py LOADGEN SERVER [server option ...]
"""

import json
import signal
import sys
import tempfile
from pathlib import Path

from child import Child, wait_until
from real_server import real_server

# A fifth of the messages is due in a stall, so of these half wait for more than 100 ms. Of the
# others hardly one does, nor of those that are sent in a stall: --outstanding lets out 4 of 200.
CORRECTED_P90_MIN_NS = 50e6
SHOWN_TIMES = 5


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


def check_stop_over_the_end(loadgen, server, port, folder):
    """A server that stops in the window and goes on after it: what it was never sent is missed."""
    textfile = folder / "stopped.prom"
    json_file = folder / "stopped.json"

    def measuring(value):
        series = f'ringside_load_measuring{{server="unknown",workload="fanout"}} {value}'
        return textfile.exists() and series in textfile.read_text()

    load = Child([loadgen, "fanout", f"--connect=127.0.0.1:{port}", "--members=2", "--rate=1000",
                  "--outstanding=4", "--duration=1s", "--warm-up=0", "--slo=p99<=1s",
                  f"--json={json_file}", f"--metrics-textfile={textfile}",
                  "--metrics-interval=100ms"], folder / "stopped.log")
    wait_until(lambda: measuring(1), 30.0, "the measured window")
    server.signal(signal.SIGSTOP)
    wait_until(lambda: measuring(0), 30.0, "the end of the window")
    server.signal(signal.SIGCONT)
    load.wait(60.0)
    results = json.loads(json_file.read_text())
    counts, latencies = results["counts"], results["latencies"]
    assert not any(results["violations"].values()), results["violations"]
    # All that was due is there: a thousand, but for what the window's ends cut.
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
            code = load.wait(60.0)
            results = json.loads((folder / "load.json").read_text())
            # On a busy machine the load generator may come late, and says so.
            assert code == 0 or "generator_limit" in results, load.output.read_text()
            check(results)
        server_folder = folder / "second"
        server_folder.mkdir()
        with real_server(command, server_folder) as (server, port):
            check_stop_over_the_end(loadgen, server, port, folder)


if __name__ == "__main__":
    main()
