"""Redis and NATS as tests and benchmarks start them: on a free loopback port, storing nothing.

1. A peer is an ordinary child with a folder of its own and ends with the `with` block.
2. `tools/bootstrap --peers` unpacks the programs into build/peers; nothing is installed.
"""

import socket
from pathlib import Path

from child import Child, ChildError, exit_text, free_port, wait_until

# Where the bootstrap unpacks them, whatever build folder is in use.
FOLDER = Path(__file__).resolve().parent.parent / "build/peers/bin"
START_SECONDS = 30.0
_PORT_ATTEMPTS = 5


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


class Peer:
    """A running server, `name` being the protocol it speaks: redis or nats."""

    def __init__(self, name, folder):
        for _ in range(_PORT_ATTEMPTS):
            self.port = free_port()
            self.child = Child(_command(name, self.port, folder), folder / f"{name}.log")
            try:
                wait_until(lambda: self._accepts() or self.child.exit_code() is not None,
                           START_SECONDS, f"{name} to accept connections")
            except BaseException:
                self.child.kill()
                raise
            # Another program may have taken the port first; then it has ended.
            if self.child.exit_code() is None:
                return
        raise ChildError(f"{name} ended with {exit_text(self.child.exit_code())}:\n"
                         f"{self.child.last_lines()}")

    def _accepts(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1.0).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()
