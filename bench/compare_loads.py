"""What bench/compare runs: the servers, the loads, and the order in which they take turns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Server:
    """One contender; `label` is what its metrics carry as server="..."."""

    label: str
    title: str
    program: str  # below the build folder
    arguments: tuple


@dataclass(frozen=True)
class Load:
    """One way to use a server: a workload of the load generator with its arguments."""

    name: str
    title: str
    short: str  # as a sentence calls it
    workload: str
    arguments: tuple


# The I/O is named, never left to `auto`: a silent fall-back would compare epoll with epoll.
SERVERS = {
    server.label: server
    for server in (
        Server("pipeline", "pipeline-server", "src/pipeline/pipeline-server", ()),
        Server("uring", "uring-server", "src/uring_async/uring-server", ("--io=uring",)),
        Server("uring-epoll", "uring-server --io=epoll", "src/uring_async/uring-server",
               ("--io=epoll",)),
    )
}

FANOUT = ("--rooms", "1", "--members", "100", "--publishers", "1", "--outstanding", "16")

LOADS = (
    Load("thesis-2", "thesis, 2 clients", "2 clients", "thesis", ("--users", "2")),
    Load("thesis-10", "thesis, 10 clients", "10 clients", "thesis", ("--users", "10")),
    Load("thesis-100", "thesis, 100 clients", "100 clients", "thesis", ("--users", "100")),
    Load("fanout-100", "fan-out, one room of 100", "fan-out", "fanout", FANOUT),
)


def server_label(text):
    """The label that a person meant: `uring` and `uring-server` name the same; else ValueError."""
    label = text.removesuffix("-server")
    if label not in SERVERS:
        raise ValueError(f"'{text}' is no server: choose from {', '.join(SERVERS)}")
    return label


def turns(rounds, servers, loads):
    """(round, load, server) in order of execution: servers alternate within a load, and each round
    reverses the order of the one before (ABBA), so that a machine that grows slower or faster
    favours nobody."""
    order = []
    for number in range(1, rounds + 1):
        contenders = list(servers) if number % 2 else list(reversed(servers))
        order += [(number, load, server) for load in loads for server in contenders]
    return order
