"""The floor as a user runs it: its table, its JSON, its exit codes.

Usage: floor_test.py FLOOR
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

BRIEFLY = ("--duration=200ms", "--warm-up=off")


def run(floor, *options):
    return subprocess.run([floor, *BRIEFLY, *options], capture_output=True, text=True, timeout=60,
                          check=False)


def check_results(floor, folder):
    """The JSON says what the table says, and its counts agree with each other."""
    path = folder / "floor.json"
    done = run(floor, "--io=send", "--connections=10", "--batch=4", "--bytes=50", "--ahead=2",
               f"--json={path}")
    assert done.returncode == 0, done
    results = json.loads(path.read_text())
    assert results["schema_version"] == 1 and results["program"] == "floor", results
    assert results["parameters"] == {"connections": 10, "batch": 4, "bytes": 50, "ahead": 2,
                                     "cpus": 1}, results
    (only,) = results["runs"]
    assert only["io"] == "send" and only["rounds"] > 0, only
    assert only["messages"] == only["sends"] * 4 == only["rounds"] * 40, only
    assert only["bytes_received"] == only["bytes_sent"] == only["messages"] * 50, only
    assert only["messages_per_cpu_second"] > 0 and only["cpu_us_per_send"] > 0, only
    head, empty, ways, *table = done.stdout.splitlines()
    assert "connections: 10" in head and not empty and ways.split() == ["send"], done.stdout
    rows = dict(line.rsplit(maxsplit=1) for line in table)
    assert int(rows["messages/sender CPU-s"]) == round(only["messages_per_cpu_second"]), rows
    assert int(rows["system calls of the sender"]) == only["system_calls"], rows


def check_both(floor, folder):
    path = folder / "both.json"
    done = run(floor, "--io=both", f"--json={path}")
    if done.returncode == 2 and "io_uring cannot be used here" in done.stderr:
        assert "--io=send" in done.stderr, done.stderr
        return
    assert done.returncode == 0, done
    assert [it["io"] for it in json.loads(path.read_text())["runs"]] == ["uring", "send"]


def check_refusals(floor):
    """One line that names the option, and exit code 2."""
    for options, named in ((("--connections=0",), "--connections"),
                           (("--connections=28001",), "--connections"),
                           (("--batch=x",), "--batch"),
                           (("--bytes=-1",), "--bytes"),
                           (("--bytes=4096", "--batch=65536"), "64 MiB"),
                           (("--ahead=0",), "--ahead"),
                           (("--duration=5",), "--duration"),
                           (("--io=epoll",), "--io"),
                           (("--cpus=3",), "--cpus"),
                           (("--json=/nonexistent/floor.json",), "--json"),
                           (("--unknown",), "--unknown")):
        done = run(floor, *options)
        assert done.returncode == 2, (options, done)
        assert done.stdout == "" and len(done.stderr.splitlines()) == 1, (options, done)
        assert done.stderr.startswith("floor: ") and named in done.stderr, (options, done)


def check_descriptor_limit(floor):
    limited = ["bash", "-c", 'ulimit -n 100; exec "$@"', "bash", floor]
    done = subprocess.run([*limited, "--connections=50"], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done
    assert "--connections=34" in done.stderr and "ulimit -Hn" in done.stderr, done.stderr
    done = subprocess.run([*limited, *BRIEFLY, "--connections=34", "--io=send"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done


def main():
    (floor,) = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-floor-") as name:
        check_results(floor, Path(name))
        check_both(floor, Path(name))
    check_refusals(floor)
    check_descriptor_limit(floor)


if __name__ == "__main__":
    main()
