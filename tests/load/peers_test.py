"""The load generator as a user runs it against Redis or NATS, whose protocols it speaks too.

Usage: peers_test.py LOADGEN CHAT_SERVER redis|nats
"""

import signal
import sys
import tempfile
from pathlib import Path

from child import wait_until
from peers import Peer, PeerMissing
from program_test import Bench, check_idle
from real_server import SKIP, real_server

SHORT = ("--duration=500ms", "--warm-up=100ms")


def check_fanout(bench, protocol):
    """Every delivery is verified, and there is one for each member."""
    loads = [("--members=20",), ("--members=20", "--outstanding=256"), ("--rooms=20", "--members=2"),
             ("--members=3", "--payload=4096", "--outstanding=64", "--io=epoll")]
    if protocol == "redis":
        loads.append(("--members=10", "--publishers=10"))
    cpu_seconds = 0
    for load in loads:
        code, results, table = bench.run("fanout", f"--protocol={protocol}", *load, *SHORT,
                                         f"--server-pid={bench.server.pid}")
        assert code == 0, f"{load}: exit code {code}:\n{table}"
        assert results["valid"] and results["protocol"] == protocol, results
        members = results["parameters"]["members"]
        whole_run = results["counts"]["requests"]["send_message"] * members
        assert f"VALID: all {whole_run:,} messages" in table, f"{whole_run} are due:\n{table}"
        assert results["counts"]["messages_sent"] > 100, results
        cpu_seconds += results["server"]["cpu_seconds"]  # to 10 ms, so it may be 0 in one run
        assert 0 < results["latencies"]["last_member"]["p50_ns"] < 60e9, results
    assert cpu_seconds > 0, "the server's CPU time was not measured"


def start_measuring(bench, protocol):
    """A load generator in its measured window, which does not end by itself."""
    textfile = bench.folder / "load.prom"
    child = bench.start("fanout", f"--protocol={protocol}", "--members=10", "--duration=10m",
                        "--warm-up=0", "--metrics-interval=100ms", f"--metrics-textfile={textfile}")
    wait_until(lambda: textfile.exists() and 'load_measuring{server="unknown",workload="fanout"} 1'
               in textfile.read_text(), 30.0, "the measured window")
    return child


def check_interrupt(bench, protocol):
    child = start_measuring(bench, protocol)
    child.signal(signal.SIGINT)
    code = child.wait(30.0)
    assert code == 130 and bench.results()["valid"], f"{code}:\n{child.last_lines(30)}"


def check_killed(bench, protocol):
    child = start_measuring(bench, protocol)
    bench.server.kill()
    code = child.wait(30.0)
    assert code == 1 and "lost the connection" in child.output.read_text(), child.last_lines(30)
    assert not bench.results()["valid"]


def check_chat_server(bench, protocol):
    """A server that speaks something else is told in one line, at once."""
    code, results, text = bench.run("fanout", f"--protocol={protocol}", *SHORT)
    assert code == 1 and not results["valid"], text
    assert f"does not speak the protocol {protocol}" in text and "--connect" in text, text
    assert len(text.strip().splitlines()) == 1, text


def main():
    """Each check; an AssertionError says what a user would have seen."""
    loadgen, chat_server, protocol = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-peers-") as name:
        folder = Path(name)
        try:
            peer = Peer(protocol, folder)
        except PeerMissing as error:
            print(f"skipped: {error}")
            sys.exit(SKIP)
        with peer:
            bench = Bench(loadgen, peer.child, peer.port, folder)
            check_idle(bench, protocol)
            check_fanout(bench, protocol)
            check_interrupt(bench, protocol)
            check_killed(bench, protocol)
        with real_server([chat_server], folder) as (chat, port):
            check_chat_server(Bench(loadgen, chat, port, folder), protocol)


if __name__ == "__main__":
    main()
