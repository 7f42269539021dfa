"""A server killed with SIGKILL under load loses nothing that any client has received.

Usage: kill_test.py LOADGEN SERVER [server option ...]

Members in two rooms send and receive while the load generator keeps the same server busy. Once
every room has moved on by enough messages the server is killed and started again on the same
folder. Then a witness reads each room's history: what any member received, byte for byte and from
the first message on, must be its beginning; every sender's messages must stand in it once and in
their order; and every room that anybody was told of must still be in the list. Three times in a
row on one folder, so that recovered rooms are written to, killed and recovered again.
"""

import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/support")]

import chat_client as chat
from chat_client import Connection
from child import Child, wait_until
from real_server import start_server

KILLS = 3
ROOMS = (b"first", "/zweiter-Raum/ünïcode".encode())
MEMBERS_PER_ROOM = 4
OUTSTANDING = 8
MESSAGES_BEFORE_KILL = 20_000  # in each room


class Member(threading.Thread):
    """Joins a room and keeps some messages outstanding until the server is gone. What it keeps in
    `received` only grows; others read it while it runs, the judgement only after `join`."""

    def __init__(self, port, name, room):
        super().__init__(daemon=True)
        self._connection = Connection(port)
        self._name, self._room = name, room
        self._sent = 0
        self.received = bytearray()
        self.own_copies = 0
        self.rooms_seen = set()
        self.refusals = []

    def run(self):
        try:
            with self._connection:
                self._talk()
        except ConnectionError:
            pass  # the kill; whatever came before it counts

    def _talk(self):
        self.rooms_seen.update(self._connection.enter_lobby(self._name))
        self._connection.send(chat.CONNECT_CHAT, self._room)
        while frames := self._connection.receive():
            for frame in frames:
                self._take(*frame)

    def _take(self, request, status, text, whole):
        if request == chat.GET_CHATS:
            self.rooms_seen.update(text.split(b"\n")[:-1])
        elif request == chat.CONNECT_CHAT and status == chat.SUCCESS:
            for _ in range(OUTSTANDING):
                self._send()
        elif request == chat.RECEIVE_MESSAGE:
            self.received += whole
            if chat.message_text(text)[0] == self._name:
                self.own_copies += 1
                self._send()
        else:
            self.refusals.append((request, text))

    def _send(self):
        self._connection.send(chat.SEND_MESSAGE, b"%d %s" % (self._sent, b"x" * (self._sent % 300)))
        self._sent += 1


def create_rooms(port):
    """Makes the rooms and waits until the list has them."""
    with Connection(port) as creator:
        creator.enter_lobby(b"creator")
        for room in ROOMS:
            creator.send(chat.CREATE_CHAT, room)
        rooms = set()
        while not rooms.issuperset(ROOMS):
            for request, status, text, _ in creator.receive():
                assert (request, status) == (chat.GET_CHATS, chat.SUCCESS), text.decode()
                rooms.update(text.split(b"\n")[:-1])


def load_until_kill(server, port, loadgen, folder, number):
    """Members and load generator at work, then SIGKILL; returns the members, all ended."""
    generator = Child([loadgen, "fanout", "--rooms=2", "--members=10", f"--seed={number}",
                       f"--connect=127.0.0.1:{port}", "--duration=10m", "--warm-up=1s"],
                      folder / f"loadgen-{number}.log")
    members = [Member(port, b"member-%d-%d-%d" % (number, at, one), room)
               for at, room in enumerate(ROOMS) for one in range(MEMBERS_PER_ROOM)]
    try:
        for member in members:
            member.start()

        def enough():
            if generator.exit_code() is not None or server.exit_code() is not None:
                raise ChildError("server or load generator ended early: "
                                 f"{server.last_lines()} {generator.last_lines()}")
            for member in members:
                assert not member.refusals, f"the server refused {member.refusals[:3]}"
            return all(member.own_copies * MEMBERS_PER_ROOM > MESSAGES_BEFORE_KILL
                       for member in members)

        wait_until(enough, 60.0, "every member to receive enough messages")
    finally:
        server.kill()
        generator.kill()
    for member in members:
        member.join(30.0)
        assert not member.is_alive(), "a member did not see the server die"
    return members


def history(port, room, name):
    """A room's history, read by a witness up to its own first message; with the list of rooms."""
    marker = b"the end of " + name
    received = bytearray()
    with Connection(port) as witness:
        rooms = witness.enter_lobby(name)
        witness.send(chat.CONNECT_CHAT, room)
        witness.send(chat.SEND_MESSAGE, marker)
        while frames := witness.receive():
            for request, _, text, whole in frames:
                if request == chat.RECEIVE_MESSAGE:
                    if chat.message_text(text) == (name, marker):
                        return bytes(received), rooms
                    received += whole
    raise AssertionError(f"the server closed while {room.decode()} was read")


def check_order(room, frames):
    """Every member's messages are there once, in the order in which it sent them."""
    following = {}
    for _, _, text, _ in frames:
        user, message = chat.message_text(text)
        if user.startswith(b"member-"):
            counter = int(message.split(b" ", 1)[0])
            expected = following.get(user, 0)
            assert counter == expected, (f"{room.decode()}: message {counter} of {user.decode()} "
                                         f"stands where {expected} should be")
            following[user] = counter + 1


def check(port, members, number):
    """What anybody received is in the history after the restart."""
    for at, room in enumerate(ROOMS):
        kept, rooms = history(port, room, b"witness-%d-%d" % (number, at))
        frames, rest = chat.split_frames(kept)
        assert not rest, "the history ends within a frame"
        check_order(room, frames)
        here = members[at * MEMBERS_PER_ROOM:(at + 1) * MEMBERS_PER_ROOM]
        most = 0
        for member in here:
            count = len(chat.split_frames(member.received)[0])
            most = max(most, count)
            assert kept.startswith(member.received), (
                f"{room.decode()}: a member had received {count} messages "
                f"({len(member.received)} bytes), which is not how the history of {len(frames)} "
                f"messages ({len(kept)} bytes) begins")
        told = set().union(*(member.rooms_seen for member in members))
        assert told <= set(rooms), f"rooms are gone: {told - set(rooms)}"
        print(f"kill {number}, {room.decode()}: {len(frames)} messages kept, {most} received")


def main():
    """Kills and restarts; an AssertionError is what a user would have lost."""
    loadgen, program, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-kill-") as name:
        folder = Path(name)
        server, port = start_server([program, *options], folder, name="server-0")
        try:
            create_rooms(port)
            for number in range(1, KILLS + 1):
                members = load_until_kill(server, port, loadgen, folder, number)
                server, port = start_server([program, *options], folder,
                                            name=f"server-{number}")
                check(port, members, number)
            code = server.stop()
            assert code == 0, f"SIGTERM after the last restart ends with {code}"
        finally:
            server.kill()


if __name__ == "__main__":
    main()
