"""The bench scripts, run as a person runs them but for a moment: that each ends well and writes its
report, and that what does not depend on timing is within its bounds.

    bench_scripts_test.py BUILD
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from contenders import CONTENDERS, VARIANTS
from fanout_runs import can_count_calls
from peers import FOLDER as PEERS

ROOT = Path(__file__).resolve().parent.parent.parent

# One room of 100, 16 messages on their way: system calls and deliveries of the whole server.
CALLS_PER_DELIVERY_MAX = 0.01
DELIVERIES_PER_SEND_MIN = 8.0
IDLE_BYTES_MAX = 1536
# A history that is longer than what a room keeps in memory.
MESSAGES, ROOMS = 20_000, 100
SHORT = ("--no-bootstrap", "--rounds", "1", "--duration", "200ms", "--warm-up", "50ms")


def run(build, out, script, *arguments):
    """results.json of a script that must end with 0."""
    before = set(out.iterdir())
    subprocess.run([ROOT / "bench" / script, "--build", build, "--out", out, *SHORT, *arguments],
                   check=True, timeout=300)
    made = set(out.iterdir()) - before
    report, = (path for path in made if path.suffix == ".md")
    assert "\n## Where each one loses\n" in report.read_text(), f"{report} is no whole report"
    folder, = (path for path in made if path.is_dir())
    assert list(folder.glob("*.svg")), f"{folder} has no chart"
    return json.loads((folder / "results.json").read_text())


def check_compare(build, out):
    results = run(build, out, "compare", "--no-prometheus", "--server", "uring",
                  "--server", "pipeline")
    room, = (one for one in results["runs"]
             if one["server"] == "uring" and one["load"] == "fanout-100")
    counted = room["server_counters"]
    calls = counted["system_calls"] / counted["deliveries"]
    per_send = counted["deliveries"] / counted["sends"]
    print(f"uring-server, one room of 100: {calls:.4f} system calls a delivery, {per_send:.1f} "
          "deliveries a send")
    assert calls <= CALLS_PER_DELIVERY_MAX, calls
    assert per_send >= DELIVERIES_PER_SEND_MIN, per_send


def contenders(labels):
    """The options that name them."""
    return [word for label in labels for word in ("--contender", label)]


def check_served(results, labels):
    """Each contender that is a server had one run, in which everything arrived as it must."""
    served = {one["contender"]: one["violations"] for one in results["runs"]
              if one["contender"] != "floor"}
    assert served == dict.fromkeys(set(labels) - {"floor"}, 0), results["runs"]


def check_fanout(build, out):
    """The set-up of a thousand rooms takes most of such a run, and the tests of loads have every chat
    server make one: so one of them is enough here, and no run to count its system calls."""
    labels = [label for label, contender in CONTENDERS.items() if label not in VARIANTS
              and (contender.program or (PEERS / f"{label}-server").exists())]
    labels.append("uring-1-cpu")  # the one that is started in another way
    counted = run(build, out, "fanout", *contenders(labels), "--load", "w16")
    check_served(counted, labels)
    counting = counted["counting_runs"]
    assert len(counting) == (len(labels) - 1 if can_count_calls() else 0), counting
    assert all(one["figures"]["system_calls_per_delivery"] > 0 for one in counting), counting

    labels = [label for label in labels if label == "uring" or CONTENDERS[label].protocol != "chat"]
    quick = run(build, out, "fanout", "--quick", *contenders(labels), "--load", "pairs-w8")
    check_served(quick, labels)
    assert quick["quick"] and not quick["counting_runs"], quick


def check_idle(build, out):
    results = run(build, out, "idle", "--contender", "uring", "--contender", "uring-epoll")
    for one in results["runs"]:
        size = one["figures"]["memory_per_connection"]
        print(f"{one['contender']}: {size:.0f} bytes an idle connection")
        assert size <= IDLE_BYTES_MAX, one


def check_history(build, out):
    servers = ("uring-1", "pipeline")
    results = run(build, out, "history", "--messages", str(MESSAGES), "--rooms", str(ROOMS),
                  *(word for label in servers for word in ("--server", label)))
    parts = {(one["contender"], one["load"]): one for one in results["runs"]}
    assert len(parts) == len(results["runs"]) == 5 * len(servers), parts.keys()
    for label in servers:
        for part in ("alone", "joins", "elsewhere"):
            one = parts[label, part]
            assert one["figures"]["stream_rate"] > 0, one
        assert parts[label, "joins"]["figures"]["joins_per_second"] > 0, parts
        assert all(parts[label, part]["violations"] == 0
                   for part in ("alone", "quiet", "joins", "elsewhere")), parts
        assert parts[label, "start"]["rooms_listed"] == ROOMS, parts


def main():
    build = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        out = Path(name)
        check_compare(build, out)
        check_fanout(build, out)
        check_idle(build, out)
        check_history(build, out)
    print("all good")


if __name__ == "__main__":
    main()
