"""A server as a user starts it, for tests of whole programs."""

import contextlib
import sys

from child import Child, ChildError, wait_for_port

SKIP = 77


def start_server(command, folder, *options, name="server"):
    """(child, port) of a server on a free port, with its data in `folder`, where others may follow it
    under another name. Where io_uring is demanded and refused, the test ends as skipped."""
    port_file = folder / f"{name}.port"
    server = Child([*command, "--listen=127.0.0.1:0", f"--port-file={port_file}",
                    f"--data={folder / 'data'}", *options], folder / f"{name}.log")
    try:
        return server, wait_for_port(server, port_file, 30.0)
    except ChildError as error:
        server.kill()
        if server.exit_code() == 2 and "io_uring" in str(error):
            print(f"skipped: io_uring is refused here: {error}")
            sys.exit(SKIP)
        raise


@contextlib.contextmanager
def real_server(command, folder, *options):
    """As start_server(); killed at the end."""
    server, port = start_server(command, folder, *options)
    try:
        yield server, port
    finally:
        server.kill()
