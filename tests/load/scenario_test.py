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


def served_its_purpose(name, results):
    counts, latencies = results["counts"], results["latencies"]
    everybody = sum(one["count"] for one in results["parameters"]["scenario"]["users"])
    happened = {
        "churn": counts["connections"] > everybody and "replay" in latencies,
        "lobby-storm": counts["connections"] > everybody,
        "join-storm": "replay" in latencies and counts["replayed"] >= 20000,
        "hostile-crowd": counts["hostile_sessions"] > 0,
        "slow-readers": "last_member" in latencies,
    }
    return counts["deliveries"] > 0 and happened.get(name, True)


def check(loadgen, file, command):
    for duration in DURATIONS:
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            with real_server(command, work, CONNECTIONS) as (server, port):
                results = run(loadgen, port, file, duration, work)
                assert server.exit_code() is None, server.last_lines()
        if served_its_purpose(file.stem, results):
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
