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


def run(loadgen, port, file, folder):
    out = folder / "load.json"
    arguments = [loadgen, "run", file, f"--connect=127.0.0.1:{port}", "--duration=600ms",
                 "--warm-up=200ms", f"--json={out}"]
    finished = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    results = json.loads(out.read_text())
    # On a busy machine the load generator may come late, and says so.
    assert finished.returncode == 0 or "generator_limit" in results, (
        finished.stdout + finished.stderr)
    assert not any(results["violations"].values()), finished.stdout
    return results


def check_purpose(name, results):
    counts, latencies = results["counts"], results["latencies"]
    assert counts["deliveries"] > 0, results
    users = {one["name"]: one for one in results["parameters"]["scenario"]["users"]}
    everybody = sum(one["count"] for one in users.values())
    if name in ("churn", "lobby-storm"):
        assert counts["connections"] > everybody, counts
    if name in ("churn", "join-storm"):
        assert latencies["replay"]["count"] > 0, latencies
    if name == "join-storm":
        assert counts["replayed"] >= 20000, counts
    if name == "hostile-crowd":
        # Each of them once; most come again.
        assert counts["hostile_sessions"] > 0, counts
    if name == "slow-readers":
        assert latencies["last_member"]["count"] > 0, latencies


def main():
    loadgen, folder, *command = sys.argv[1:]
    files = sorted(Path(folder).glob("*.json"))
    assert files, f"no scenario in {folder}"
    for file in files:
        assert json.loads(file.read_text())["name"] == file.stem, file
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            with real_server(command, work, CONNECTIONS) as (server, port):
                results = run(loadgen, port, file, work)
                check_purpose(file.stem, results)
                assert server.exit_code() is None, server.last_lines()
        print(f"{file.stem}: {results['counts']['deliveries']} deliveries")


if __name__ == "__main__":
    main()
