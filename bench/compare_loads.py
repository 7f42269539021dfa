"""What bench/compare runs: the servers and the loads."""

from dataclasses import dataclass

from contenders import CONTENDERS


@dataclass(frozen=True)
class Load:
    """One way to use a server: a workload of the load generator with its arguments."""

    name: str
    title: str
    short: str  # as a sentence calls it
    workload: str
    arguments: tuple


SERVERS = {label: CONTENDERS[label] for label in ("pipeline", "uring", "uring-epoll")}

FANOUT = ("--rooms", "1", "--members", "100", "--publishers", "1", "--outstanding", "16")

LOADS = (
    Load("thesis-2", "thesis, 2 clients", "2 clients", "thesis", ("--users", "2")),
    Load("thesis-10", "thesis, 10 clients", "10 clients", "thesis", ("--users", "10")),
    Load("thesis-100", "thesis, 100 clients", "100 clients", "thesis", ("--users", "100")),
    Load("fanout-100", "fan-out, one room of 100", "fan-out", "fanout", FANOUT),
)
