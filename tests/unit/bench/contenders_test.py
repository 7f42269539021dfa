"""Contenders: what they say of themselves, and servers that die while they are measured.

A script ended with "the server closed the connection" and removed the server's log with the run's folder:
nothing was left of why. Each of the dying servers here says why.
"""

import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import history_client
import load_generator
import machine
from child import Child, ChildError
from contenders import CONTENDERS, Contender, chat_command, serving, versions
from fanout_loads import LOADS
from fanout_runs import Runner as FanoutRunner
from history_data import Data
from history_parts import PARTS
from history_runs import Runner as HistoryRunner
from peers import PeerMissing

# Accepts one connection, greets it as the lobby does and ends as its last argument says, with its last words.
SERVER = """
import os, pathlib, signal, socket, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
port_file = next(word.split("=")[1] for word in sys.argv if word.startswith("--port-file="))
listener = socket.create_server(("127.0.0.1", 0))
pathlib.Path(port_file + ".new").write_text(f"{listener.getsockname()[1]}\\n")
os.rename(port_file + ".new", port_file)
if sys.argv[-1] == "sigterm":
    signal.sigwait([signal.SIGTERM])
else:
    listener.accept()[0].sendall(bytes(16) + b"\\x08" + bytes(15))
print("assertion failed: the slot is free", flush=True)
os._exit(3)
"""
LAST_WORDS = "ended early with exit code 3:\nassertion failed: the slot is free"
CLIENT_WORDS = "(cannot send|cannot receive|the server closed)[^\n]*"  # whichever comes first
SETTINGS = {"duration_seconds": 0.1, "warm_up_seconds": 0.1, "messages": 1000, "rooms": 1}


class DyingServer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "server.py").write_text(SERVER)

    def command(self, *last):
        return [sys.executable, self.folder / "server.py", f"--port-file={self.folder / 'port'}", *last]

    def in_place_of_the_server(self, module):
        """A chat server's command in `module` is that of the dying one."""
        return mock.patch(f"{module}.chat_command", lambda _, __, folder, ___: [
            sys.executable, self.folder / "server.py", f"--port-file={folder / 'port'}"])

    def test_its_last_lines_stand_behind_the_first_error(self):
        with self.assertRaisesRegex(ChildError, f"^{CLIENT_WORDS}\n.*{LAST_WORDS}"), \
                serving(self.command(), self.folder) as (_, port), \
                history_client.Client(port, b"reader") as client:
            client.join(b"room")

    def test_a_death_that_nobody_noticed_is_an_error(self):
        with self.assertRaisesRegex(ChildError, LAST_WORDS), \
                serving(self.command(), self.folder) as (server, port):
            with history_client.Client(port, b"reader"):
                server.wait(10.0)

    def test_a_bad_end_on_sigterm_is_an_error(self):
        with self.assertRaisesRegex(ChildError, "ended on SIGTERM with exit code 3:\nassertion"), \
                serving(self.command("sigterm"), self.folder):
            pass

    def test_an_error_of_a_server_that_lives_stays_as_it_is(self):
        with self.assertRaisesRegex(ChildError, "^no reason$"), \
                serving(self.command("sigterm"), self.folder):
            raise ChildError("no reason")

    def test_a_run_of_a_history_keeps_them(self):
        contender = Contender("dying", "dying", "chat")
        data = Data(self.folder, self.folder, SETTINGS)
        with self.in_place_of_the_server("contenders"):
            run = HistoryRunner(self.folder, self.folder, SETTINGS, data).take(1, PARTS["alone"], contender)
        self.assertRegex(run["problem"], f"^{CLIENT_WORDS}\n.*{LAST_WORDS}")
        self.assertEqual(run["figures"], {})

    def test_making_the_data_keeps_them(self):
        data = Data(self.folder, self.folder, SETTINGS)
        with self.in_place_of_the_server("contenders"), self.assertRaisesRegex(ChildError, LAST_WORDS):
            data.make_history(Contender("dying", "dying", "chat"))
        (self.folder / "making").rename(self.folder / "made")
        with self.in_place_of_the_server("history_data"), self.assertRaisesRegex(ChildError, LAST_WORDS):
            data.make_rooms(Contender("dying", "dying", "chat"))

    def test_a_run_of_a_fan_out_keeps_them_whatever_the_load_generator_says(self):
        def start(build, folder, *_, port, **__):
            return Child([sys.executable, "-c", "import socket, sys\n"
                          f"socket.create_connection(('127.0.0.1', {port})).recv(1)\n"
                          "sys.exit('the server closed a connection')"], folder / "loadgen.log")

        with self.in_place_of_the_server("contenders"), mock.patch.object(load_generator, "start", start):
            run = FanoutRunner(self.folder, self.folder, SETTINGS).take(
                1, LOADS["w1"], Contender("dying", "dying", "chat"))
        self.assertRegex(run["problem"], "ended with exit code 1: the server closed a connection\n"
                                         f".*{LAST_WORDS}")

    def test_a_run_of_a_fan_out_starts_the_load_generator_as_the_server(self):
        seen = []

        def start(*_, launcher, **__):
            seen.append(launcher)
            raise ChildError("seen")

        with self.in_place_of_the_server("contenders"), mock.patch.object(load_generator, "start", start):
            FanoutRunner(self.folder, self.folder, SETTINGS).take(
                1, LOADS["w1"], Contender("dying", "dying", "chat", launcher=("env",)))
        self.assertEqual(seen, [("env",)])


class Commands(unittest.TestCase):
    def test_only_a_whole_server_is_given_metrics_and_bounds(self):
        def options(label):
            command = chat_command(CONTENDERS[label], Path("b"), Path("f"), Path("d"))
            return [str(word).split("=")[0] for word in command[1:]]

        self.assertEqual(options("naive"), ["--listen", "--port-file", "--data"])
        self.assertLess({"--max-connections", "--metrics-textfile"}, set(options("pipeline")))

    def test_server_and_load_generator_are_bound_to_the_same_cpu(self):
        bound = CONTENDERS["uring-1-cpu"]
        server = chat_command(bound, Path("b"), Path("f"), Path("d"))
        with mock.patch.object(load_generator, "Child", lambda command, _: command):
            generator = load_generator.start(
                Path("b"), Path("f"), SETTINGS, ["fanout"], server=mock.Mock(pid=1), port=1,
                label="x", launcher=bound.launcher)
        self.assertEqual(server[:2], ["taskset", "--cpu-list"])
        self.assertEqual(generator[:3], server[:3])


class Machine(unittest.TestCase):
    def test_a_system_call_takes_some_time(self):
        self.assertIn(machine.describe(Path("."))["system_call_ns"], range(1, 100_000))


class Versions(unittest.TestCase):
    def test_every_program_that_measures_or_is_measured_says_its_own_where_it_lies(self):
        chosen = [CONTENDERS[label] for label in ("floor", "uring", "uring-1", "redis")]
        with tempfile.TemporaryDirectory() as name, mock.patch("peers.FOLDER", Path(name)), \
                mock.patch("machine.version", lambda program: f"version of {program}"):
            with self.assertRaisesRegex(PeerMissing, "run tools/bootstrap --peers"):
                versions(Path("else/where"), chosen)
            (Path(name) / "redis-server").touch()
            found = versions(Path("else/where"), chosen)
        self.assertEqual(list(found), ["loadgen", "floor", "uring-server", "redis-server"])
        self.assertEqual(found["loadgen"], "version of else/where/loadgen/loadgen")
        self.assertEqual(found["redis-server"], f"version of {name}/redis-server")


if __name__ == "__main__":
    unittest.main()
