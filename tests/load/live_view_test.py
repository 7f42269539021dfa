"""What a person sees of a run while it lasts: on a terminal of a given size, and in a file.

Usage: live_view_test.py LOADGEN SERVER [server option ...]
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from real_server import real_server

RUN_SECONDS = 60


class Screen:
    """As much of a terminal as the view needs."""

    def __init__(self):
        self.lines = [""]
        self._row = self._column = 0
        self.colours = False

    def feed(self, text):
        for token in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            if token == "\r":
                self._column = 0
            elif token == "\n":
                self._row += 1
                if self._row == len(self.lines):
                    self.lines.append("")
            elif token.startswith("\x1b"):
                self._control(token[2:-1], token[-1])
            else:
                self._write(token)

    def _write(self, token):
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[:self._column] + token + line[self._column + len(token):]
        self._column += len(token)

    def _control(self, number, name):
        if name == "A":
            self._row -= int(number)
            assert self._row >= 0, "the cursor went above the first line"
        elif name == "K":
            assert number == "2"
            self.lines[self._row] = ""
        elif name == "J":
            assert self._column == 0, "the rest of the screen is erased from within a line"
            del self.lines[self._row:]
            self.lines.append("")
        else:
            assert name == "m", f"ESC [ {number} {name}"
            self.colours = True


def run_on_terminal(command, columns, **environment):
    """(exit code, what the screen showed after each change, the screen at the end)."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                               env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm",
                                    **environment})
    os.close(terminal)
    screen, shown, rest = Screen(), [], b""
    while True:
        try:
            chunk = os.read(main, 65536)
        except OSError:  # EIO: nobody has the terminal open any more
            break
        rest += chunk
        # A sequence may be cut anywhere; a program ends what it writes at once with a line or J.
        if not rest.endswith((b"\n", b"J")):
            continue
        screen.feed(rest.decode())
        rest = b""
        shown.append("\n".join(screen.lines))
    os.close(main)
    return process.wait(RUN_SECONDS), shown, screen


def is_view(text):
    return "achieved" in text and "violations" in text and "deliveries/s" in text


def check_view(command):
    code, shown, screen = run_on_terminal([*command, "--duration=2500ms"], 80)
    # 4: on a busy machine the load generator may come late, and says so.
    assert code in (0, 4), f"exit code {code}:\n" + "\n".join(screen.lines)
    views = [text for text in shown if is_view(text)]
    assert len(views) >= 2, shown
    assert all(text.count("violations") == 1 for text in views), "the view is there twice"
    assert "100 offered" in views[-1] and "last_member, ms" in views[-1], views[-1]
    assert any("▁" <= character <= "█" for character in views[-1]), views[-1]
    # The view is gone: the table begins where it stood.
    assert screen.lines[0].startswith("fanout against"), screen.lines
    assert not is_view("\n".join(screen.lines)) and not screen.colours, screen.lines


def check_narrow(command):
    code, shown, _ = run_on_terminal([*command, "--duration=1500ms"], 40, LC_ALL="C", NO_COLOR="1")
    assert code == 0, f"exit code {code}"
    views = [text for text in shown if "messages/s" in text and "violations" in text]
    assert views, shown
    for view in views:
        assert view.isascii(), view
        assert max(map(len, view.splitlines())) < 40, view


def check_lines(command):
    """Into a file, and on a terminal that cannot move its cursor: a line a second."""
    run = subprocess.run([*command, "--duration=2500ms"], capture_output=True, text=True,
                         timeout=RUN_SECONDS)
    lines = run.stderr.splitlines()
    assert len(lines) >= 2 and all("deliveries/s" in line for line in lines), run.stderr
    assert "\x1b" not in run.stderr and "deliveries/s" not in run.stdout, run
    code, shown, screen = run_on_terminal([*command, "--duration=1500ms"], 80, TERM="dumb")
    assert code == 0 and "deliveries/s" in screen.lines[0], screen.lines
    assert not any(is_view(text) for text in shown), shown
    run = subprocess.run([*command, "--duration=1500ms", "--quiet"], capture_output=True, text=True,
                         timeout=RUN_SECONDS)
    assert run.stderr == "" and "VALID" in run.stdout, run


def main():
    loadgen, *server_command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-view-") as name:
        folder = Path(name)
        with real_server(server_command, folder) as (_, port):
            command = [loadgen, "fanout", f"--connect=127.0.0.1:{port}", "--members=2",
                       "--warm-up=100ms"]
            check_view([*command, "--rate=100"])
            check_narrow([*command, "--outstanding=1"])
            check_lines([*command, "--outstanding=1"])


if __name__ == "__main__":
    main()
