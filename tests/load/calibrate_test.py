"""`loadgen calibrate` as a user runs it: it needs no server, everything it delivers is verified, and
what it writes agrees with itself.

Usage: calibrate_test.py LOADGEN
"""

import json
import sys
import tempfile
from pathlib import Path

from child import Child


def run(loadgen, folder, *arguments):
    """The exit code and what was printed."""
    child = Child([loadgen, "calibrate", *arguments], folder / "calibrate.log")
    return child.wait(60.0), child.output.read_text()


def main():
    """Each check; an AssertionError says what a user would have seen."""
    loadgen = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="ringside-calibrate-") as name:
        folder = Path(name)
        json_file = folder / "calibration.json"
        code, table = run(loadgen, folder, "--duration=300ms", "--members=20", "--outstanding=4",
                          "--payload=100", f"--json={json_file}")
        assert code == 0 and "VALID: all" in table and "INVALID" not in table, table
        results = json.loads(json_file.read_text())
        assert results["valid"] and results["violations"] == 0, results
        assert (results["members"], results["outstanding"], results["payload_bytes"]) == \
            (20, 4, 100), results
        assert results["deliveries"] > 1000, results
        rate = results["deliveries"] / results["measured_seconds"]
        assert abs(results["deliveries_per_second"] / rate - 1) < 0.001, results
        # One thread: a delivery's CPU time is at most its share of the window.
        assert 0 < results["cpu_ns_per_delivery"] <= 1.05e9 / rate, results
        ceiling = 1e9 / results["cpu_ns_per_delivery"]
        assert abs(results["deliveries_per_cpu_second"] / ceiling - 1) < 0.001, results
        assert 0 < results["verification_ns_per_delivery"], results
        code, text = run(loadgen, folder, "--duration=100ms", f"--json={folder}/none/a.json")
        assert code == 2 and "--json: cannot write" in text, f"exit code {code}: {text}"
        print(table)


if __name__ == "__main__":
    main()
