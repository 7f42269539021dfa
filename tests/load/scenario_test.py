"""Every scenario file, for a moment, against a real server: everything must arrive, and what the
file is there for must have happened.

Usage: scenario_test.py LOADGEN FOLDER SERVER [server option ...]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from real_server import real_server

# Connections of a member that is there from the start, and room for those who come again.
CONNECTIONS = "--max-connections=9000"


# Measured for so long, and longer where a slow machine has not come to it by then.
DURATIONS = ("600ms", "3s", "12s")


def run(loadgen, port, file, duration, folder):
    out = folder / "load.json"
    arguments = [loadgen, "run", file, f"--connect=127.0.0.1:{port}", f"--duration={duration}",
                 "--warm-up=200ms", f"--json={out}"]
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    results = json.loads(out.read_text())
    # On a busy machine the load generator may come late, and says so.
    late = "generator_limit" in results
    assert finished.returncode == (4 if late else 0), finished.stdout + finished.stderr
    assert "failure" not in results, results
    assert not any(results["violations"].values()), finished.stdout
    return results


def metric(textfile, name, labels=""):
    """Of a server: 0 where the file is not there yet."""
    lines = textfile.read_text().splitlines() if textfile.exists() else []
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith(name + "{") and labels in line)


def served_its_purpose(name, results, textfile):
    counts, latencies = results["counts"], results["latencies"]
    everybody = sum(one["count"] for one in results["parameters"]["scenario"]["users"])
    delivered = counts["deliveries"] / max(counts["messages_sent"], 1)
    happened = {
        "churn": counts["connections"] > everybody and "replay" in latencies,
        "lobby-storm": counts["connections"] > everybody,
        "join-storm": "replay" in latencies and counts["replayed"] >= 20000,
        # The server has met those who announce too much, and those who ask without end.
        "hostile-crowd": counts["hostile_sessions"] > 0
                         and metric(textfile, "ringside_drops_total", "frame_too_long") > 0
                         and metric(textfile, "ringside_refusals_total") > 1000,
        # 20 of 100 members read a tenth of what is said.
        "slow-readers": "last_member" in latencies and 75 < delivered < 90,
    }
    return counts["deliveries"] > 0 and happened.get(name, True)


def check(loadgen, file, command):
    for duration in DURATIONS:
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            textfile = work / "server.prom"
            with real_server(command, work, CONNECTIONS, f"--metrics-textfile={textfile}",
                             "--metrics-interval=100ms") as (server, port):
                results = run(loadgen, port, file, duration, work)
                assert server.exit_code() is None, server.last_lines()
                served = served_its_purpose(file.stem, results, textfile)
        if served:
            print(f"{file.stem}: {results['counts']['deliveries']} deliveries in {duration}")
            return
    raise AssertionError(f"{file.stem} did not do what it is for: {results}")


def main():
    loadgen, folder, *command = sys.argv[1:]
    files = sorted(Path(folder).glob("*.json"))
    assert files, f"no scenario in {folder}"
    for file in files:
        assert json.loads(file.read_text())["name"] == file.stem, file
        check(loadgen, file, command)


if __name__ == "__main__":
    main()
