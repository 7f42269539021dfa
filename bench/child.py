"""Child processes: started in a group of their own, watched, stopped by their process id.

1. A child is in its own process group, so Ctrl-C in the terminal reaches the script alone, and the
   script stops its children in order.
2. Whatever ends the script, even SIGKILL, ends its children too (PR_SET_PDEATHSIG).
3. Nothing is ordered by sleeping: whoever waits, waits for a condition and has a deadline.
"""

import contextlib
import ctypes
import signal
import socket
import subprocess
import time
from pathlib import Path

POLL_SECONDS = 0.01
_PORT_ATTEMPTS = 5
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class ChildError(Exception):
    """A child is missing, could not be started, or did not do what it is there for."""


def wait_until(condition, seconds, what, poll_seconds=POLL_SECONDS):
    """Polls until `condition()` is true and returns its value; ChildError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise ChildError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(poll_seconds)


def free_port():
    """A loopback port on which nobody listens now; another program may take it before its user."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def exit_text(code):
    """`exit code 1`, or the signal's name where one ended the process."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


class Child:
    """A running program; what it prints goes to one file."""

    def __init__(self, arguments, output):
        self.arguments = [str(argument) for argument in arguments]
        self.output = Path(output)
        with self.output.open("wb") as stream:
            try:
                self._process = subprocess.Popen(
                    self.arguments, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                    process_group=0, preexec_fn=_die_with_parent)
            except OSError as error:
                raise ChildError(f"cannot start {self.arguments[0]}: {error.strerror}") from error

    @property
    def pid(self):
        return self._process.pid

    def exit_code(self):
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def signal(self, number):
        """Sends a signal; nothing happens where the process has ended."""
        self._process.send_signal(number)

    def wait(self, seconds):
        """The exit code; ChildError where it still runs after `seconds`."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ChildError(f"{self.arguments[0]} still runs after {seconds:g} s") from None

    def stop(self, seconds=15.0):
        """SIGTERM, and SIGKILL where that does not end it in time. Returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except ChildError:
            return self.kill()

    def kill(self):
        """SIGKILL; returns the exit code."""
        self._process.kill()
        return self._process.wait()

    def ending(self, when, seconds=0.0):
        """How it ended, and the end of what it printed, for an error message; None where it still
        runs after `seconds`."""
        try:
            code = self.wait(seconds)
        except ChildError:
            return None
        words = f"{Path(self.arguments[0]).name} ended {when} with {exit_text(code)}"
        return f"{words}:\n{self.last_lines(_LAST_LINES)}".rstrip(":\n")

    def last_lines(self, count=3):
        """The end of what it printed, for an error message."""
        lines = self.output.read_text(errors="replace").strip().splitlines()
        return "\n".join(lines[-count:])


# An assertion's message, and some of the stack behind it.
_LAST_LINES = 12
# A connection's end is seen before the exit of the process that had it.
_DEATH_SECONDS = 1.0


@contextlib.contextmanager
def needed(child):
    """While a child is needed. Where it ends, that is a ChildError with the last lines of what it
    printed, whatever the first error that came of it says."""
    try:
        yield child
    except ChildError as error:
        ending = child.ending("early", _DEATH_SECONDS)
        if ending is None:
            raise
        raise ChildError(f"{error}\n{ending}") from error
    ending = child.ending("early")
    if ending is not None:
        raise ChildError(ending)


def wait_for_port(server, port_file, seconds=10.0, poll_seconds=POLL_SECONDS):
    """The port that a server has written to its port file; ChildError where it ends before."""
    def port():
        if server.exit_code() is not None:
            raise ChildError(f"{server.arguments[0]} ended with {exit_text(server.exit_code())}"
                             f" before it accepted connections:\n{server.last_lines()}")
        text = Path(port_file).read_text() if Path(port_file).exists() else ""
        return int(text) if text.strip().isdigit() else None

    return wait_until(port, seconds, f"the port of {server.arguments[0]}", poll_seconds)


def start_on_free_port(start, answers, seconds=30.0):
    """(child, port): start(port) makes the child, answers(port) says when it is ready. Where it ends
    before that, another program may have been faster to take the port: the next one is tried."""
    for _ in range(_PORT_ATTEMPTS):
        port = free_port()
        child = start(port)
        try:
            wait_until(lambda: child.exit_code() is not None or answers(port), seconds,
                       f"{child.arguments[0]} to be ready")
        except BaseException:
            child.kill()
            raise
        if child.exit_code() is None:
            return child, port
    raise ChildError(child.ending("before it was ready"))
