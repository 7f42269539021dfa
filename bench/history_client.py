"""A plain client of the chat protocol for bench/history, of the standard library alone.

The load generator would not do: it sends for a time, not a number of messages, and examines every
delivery, which costs more than sending it. This one fills a room with so many messages, reads a
history without looking at it, and, apart from that, looks at all of it.

1. A call blocks until it has what it is for; 30 s without a byte end it (ClientError).
2. It never receives more than it asked for, so nothing is kept from one call to the next.
"""

import socket
import struct
import threading
import time
from dataclasses import dataclass

from child import ChildError

SET_NAME, CREATE_CHAT, CONNECT_CHAT, SEND_MESSAGE, LEAVE_CHAT = range(5)
RECEIVE_MESSAGE, GET_CHATS = 6, 8
SUCCESS = 0

SILENCE_SECONDS = 30
PAYLOAD_BYTES = 64
# As long as those of the load generator's users, so that frames are as large as theirs.
WRITER = b"history-maker"

_REQUEST = struct.Struct("<IQ")
_ANSWER = struct.Struct("<IIQ")
# The head, then user, TAB, time, LF, message.
_MESSAGE = struct.Struct("<IIQ13sc17sc64s")
FRAME_BYTES = _MESSAGE.size
_TEXT_BYTES = FRAME_BYTES - _ANSWER.size

# One recv takes at most so much; whole frames, so that a full buffer can be examined.
BUFFER_BYTES = FRAME_BYTES * 4096
_MESSAGES_PER_SEND = 1024


class ClientError(ChildError):
    """The server refused something, closed, fell silent, or sent what was not due."""


@dataclass(frozen=True)
class Stream:
    """One reading of a history: seconds from the request to the answer, and to the last byte."""

    answer_seconds: float
    seconds: float
    history_bytes: int

    @property
    def bytes_per_second(self):
        return self.history_bytes / self.seconds


def payload(number):
    """The text of a room's message `number`, counted from 0, below 10^8."""
    return b"%08d" % number + b"." * (PAYLOAD_BYTES - 8)


def requests(first, count):
    """The frames that send the messages from `first` on."""
    return b"".join(_REQUEST.pack(SEND_MESSAGE, PAYLOAD_BYTES) + payload(number)
                    for number in range(first, first + count))


def wrong_messages(frames, first):
    """How many of these frames are not the room's messages from `first` on, each in its place."""
    wrong = 0
    for number, (request, status, length, user, tab, _, newline, text) in enumerate(
            _MESSAGE.iter_unpack(frames), first):
        wrong += ((request, status, length, user, tab, newline, text) !=
                  (RECEIVE_MESSAGE, SUCCESS, _TEXT_BYTES, WRITER, b"\t", b"\n", payload(number)))
    return wrong


class Client:
    """A connection in the lobby; `rooms` is the list that came with its name."""

    def __init__(self, port, name):
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), SILENCE_SECONDS)
            # A timeout of Python's own would cost a poll before every recv.
            self._socket.setblocking(True)
            for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
                self._socket.setsockopt(socket.SOL_SOCKET, option,
                                        struct.pack("@ll", SILENCE_SECONDS, 0))
        except OSError as error:
            raise ClientError(f"cannot connect to port {port}: {error}") from error
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._send(SET_NAME, name)
        self._answer(SET_NAME)
        self.rooms = self._answer(GET_CHATS).splitlines()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _send(self, request, text=b""):
        try:
            self._socket.sendall(_REQUEST.pack(request, len(text)) + text)
        except OSError as error:
            raise ClientError(f"cannot send: {error}") from error

    def _receive_into(self, view):
        """How many bytes came; at least one."""
        try:
            count = self._socket.recv_into(view)
        except BlockingIOError:
            raise ClientError(f"no byte from the server in {SILENCE_SECONDS} s") from None
        except OSError as error:
            raise ClientError(f"cannot receive: {error}") from error
        if count == 0:
            raise ClientError("the server closed the connection")
        return count

    def _receive(self, count):
        """So many bytes."""
        data = bytearray(count)
        view = memoryview(data)
        while view:
            view = view[self._receive_into(view):]
        return data

    def _answer(self, due):
        """The text of the next frame, which must be this one and no failure. Where another is due than
        a room list, lists are passed over: the lobby gets one whenever somebody makes a room."""
        while True:
            request, status, length = _ANSWER.unpack(self._receive(_ANSWER.size))
            text = bytes(self._receive(length))
            if status != SUCCESS:
                raise ClientError(f"request {request} was refused: {text.decode(errors='replace')}")
            if request == due:
                return text
            if request != GET_CHATS:
                raise ClientError(f"the server sent {request} where {due} was due")

    def create(self, room):
        """Makes a room; returns the new list."""
        self._send(CREATE_CHAT, room)
        return self._answer(GET_CHATS).splitlines()

    def join(self, room):
        """Returns with the answer; the room's history comes next."""
        self._send(CONNECT_CHAT, room)
        self._answer(CONNECT_CHAT)

    def leave(self):
        """Back to the lobby. ClientError where anything of the room was still on its way."""
        self._send(LEAVE_CHAT)
        self._answer(GET_CHATS)

    def fill(self, count):
        """Sends `count` messages into the room and returns when all own copies are back: then all are
        stored. The room must be empty."""
        def send():
            try:
                for first in range(0, count, _MESSAGES_PER_SEND):
                    self._socket.sendall(requests(first, min(_MESSAGES_PER_SEND, count - first)))
            except OSError:
                pass  # whoever waits for the copies sees the connection's end, or the silence

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        self._pass_over(count * FRAME_BYTES)
        sender.join()

    def _pass_over(self, count):
        """Receives so many bytes without looking at them."""
        while count > 0:
            count -= self._receive_into(self._buffer[:min(count, BUFFER_BYTES)])

    def read_history(self, room, messages):
        """Joins, reads all of the history, leaves; nobody else may send meanwhile."""
        begun = time.perf_counter()
        self.join(room)
        answered = time.perf_counter()
        self._pass_over(messages * FRAME_BYTES)
        ended = time.perf_counter()
        self.leave()
        return Stream(answered - begun, ended - begun, messages * FRAME_BYTES)

    def examine_history(self, room, messages):
        """The same, every frame looked at: how many are not what fill() sent, in its order."""
        self.join(room)
        wrong = 0
        for first in range(0, messages, BUFFER_BYTES // FRAME_BYTES):
            count = min(BUFFER_BYTES // FRAME_BYTES, messages - first)
            wrong += wrong_messages(self._receive(count * FRAME_BYTES), first)
        self.leave()
        return wrong
