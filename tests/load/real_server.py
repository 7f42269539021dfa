"""A server as a user starts it, for the tests of this folder."""

import contextlib
import sys

from child import Child, ChildError, wait_for_port

SKIP = 77


@contextlib.contextmanager
def real_server(command, folder, *options):
    """(child, port) of a server on a free port, with its data in `folder`; killed at the end. Where
    io_uring is demanded and refused, the test ends as skipped."""
    server = Child([*command, "--listen=127.0.0.1:0", f"--port-file={folder / 'port'}",
                    f"--data={folder / 'data'}", *options], folder / "server.log")
    try:
        yield server, wait_for_port(server, folder / "port", 30.0)
    except ChildError as error:
        server.kill()
        if server.exit_code() == 2 and "io_uring" in str(error):
            print(f"skipped: io_uring is refused here: {error}")
            sys.exit(SKIP)
        raise
    finally:
        server.kill()
