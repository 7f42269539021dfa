"""Redis and NATS as tests and benchmarks start them: on a free loopback port, storing nothing.

1. A peer is an ordinary child with a folder of its own and ends with the `with` block.
2. `tools/bootstrap --peers` unpacks the programs into build/peers; nothing is installed.
"""

import socket
from pathlib import Path

from child import Child, ChildError, start_on_free_port

# Where the bootstrap unpacks them, whatever build folder is in use.
FOLDER = Path(__file__).resolve().parent.parent / "build/peers/bin"


class PeerMissing(ChildError):
    """The program is not unpacked."""


def program(name):
    """The path of a peer's program; PeerMissing says how to get it."""
    path = FOLDER / f"{name}-server"
    if not path.exists():
        raise PeerMissing(f"{path} is missing: run tools/bootstrap --peers")
    return path


def _command(name, port, folder):
    if name == "redis":
        return [program(name), "--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "",
                "--appendonly", "no", "--maxclients", 20000]
    return [program(name), "--addr", "127.0.0.1", "--port", port]


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
        return True
    except OSError:
        return False


class Peer:
    """A running server, `name` being the protocol it speaks: redis or nats."""

    def __init__(self, name, folder):
        self.child, self.port = start_on_free_port(
            lambda port: Child(_command(name, port, folder), folder / f"{name}.log"), _accepts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()
