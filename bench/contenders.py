"""The contenders of all bench scripts: what they are, and how each is started.

All of them get the same load from the same generator. Redis and NATS store nothing; the chat
servers append every message to a file before anybody receives it.
"""

import contextlib
import os
from dataclasses import dataclass

import machine
import peers
from child import POLL_SECONDS, Child, ChildError, needed, wait_for_port

# Everybody is allowed as many connections as a process may have descriptors.
CONNECTIONS_MAX = 19_000
# Often enough that a scrape finds values not much older than itself.
METRICS_INTERVAL = "200ms"


@dataclass(frozen=True)
class Contender:
    """`protocol`: what the load generator speaks to it; None for the floor, which is no server.
    `whole`: of those that speak chat, whether it keeps histories over a restart and has metrics and
    bounds. `launcher`: what starts both the server and its load generator."""

    label: str
    title: str
    protocol: str | None
    program: str = ""  # below the build folder; empty for the peers
    arguments: tuple = ()
    whole: bool = True
    launcher: tuple = ()


def _chat(label, title, program, *arguments):
    return Contender(label, title, "chat", program, arguments)


_URING = "src/uring_async/uring-server"
# The CPU that the floor takes when it takes one, for its sender and its receivers.
_ONE_CPU = ("taskset", "--cpu-list", min(os.sched_getaffinity(0)))

# The I/O is named, never left to `auto`: a silent fall-back would compare epoll with epoll.
CONTENDERS = {
    contender.label: contender
    for contender in (
        Contender("floor", "the floor", None, "bench/floor", ("--cpus=one",)),
        Contender("floor-2", "the floor on two CPUs", None, "bench/floor", ("--cpus=two",)),
        _chat("uring", "uring-server", _URING, "--io=uring"),
        _chat("uring-epoll", "uring-server --io=epoll", _URING, "--io=epoll"),
        _chat("pipeline", "pipeline-server", "src/pipeline/pipeline-server"),
        Contender("naive", "the naive server", "chat", "bench/naive-server", whole=False),
        Contender("redis", "Redis pub/sub", "redis"),
        Contender("nats", "NATS", "nats"),
        _chat("uring-1", "uring-server --workers 1", _URING, "--io=uring", "--workers=1"),
        _chat("uring-4", "uring-server --workers 4", _URING, "--io=uring", "--workers=4"),
        Contender("uring-1-cpu", "uring-server and its clients on one CPU", "chat", _URING,
                  ("--io=uring", "--workers=1"), launcher=_ONE_CPU),
    )
}

# The same programs again, otherwise started.
VARIANTS = ("floor-2", "uring-1", "uring-4", "uring-1-cpu")


def programs(contenders):
    """What a build folder must have to measure them, below it."""
    return list(dict.fromkeys(["loadgen/loadgen", *(one.program for one in contenders if one.program)]))


def versions(build, contenders):
    """{program: what it says of itself} of the load generator and the contenders."""
    paths = [build / program for program in programs(contenders)]
    paths += [peers.program(one.protocol) for one in contenders if not one.program]
    return {path.name: machine.version(path) for path in paths}


def chat_command(contender, build, folder, data):
    """What starts a chat server with `data` as its data folder. It writes its port to `folder/port`
    and, if it is a whole one, its metrics to `folder/server.prom`."""
    command = [*contender.launcher, build / contender.program, *contender.arguments,
               "--listen=127.0.0.1:0", f"--port-file={folder / 'port'}", f"--data={data}"]
    if contender.whole:
        command += [f"--max-connections={CONNECTIONS_MAX}", "--log-level=warn",
                    f"--metrics-textfile={folder / 'server.prom'}",
                    f"--metrics-interval={METRICS_INTERVAL}"]
    return command


@contextlib.contextmanager
def serving(command, folder, poll_seconds=POLL_SECONDS):
    """(child, port) of one of our servers, which writes its port to `folder/port`; SIGTERM at the end.
    ChildError, with the last lines of its log, where it does not last until then or ends badly."""
    server = Child(command, folder / "server.log")
    try:
        port = wait_for_port(server, folder / "port", poll_seconds=poll_seconds)
        with needed(server):
            yield server, port
        if server.stop() != 0:
            raise ChildError(server.ending("on SIGTERM"))
    finally:
        server.stop()


@contextlib.contextmanager
def running(contender, build, folder, data=None):
    """(child, port) of any contender but the floor, with `folder` for its files, as serving().
    `data`: the data folder of a chat server, if it is to be another than `folder/data`."""
    if contender.protocol == "chat":
        with serving(chat_command(contender, build, folder, data or folder / "data"), folder) as both:
            yield both
    else:
        with peers.Peer(contender.protocol, folder) as peer, needed(peer.child):
            yield peer.child, peer.port
