"""A small blocking client of the chat protocol for tests, in the words of docs/protocol.md."""

import socket
import struct

SET_NAME, CREATE_CHAT, CONNECT_CHAT, SEND_MESSAGE, LEAVE_CHAT, DISCONNECT = range(6)
RECEIVE_MESSAGE, WRONG_REQUEST, GET_CHATS = 6, 7, 8
SUCCESS = 0

_REQUEST = struct.Struct("<IQ")
_ANSWER = struct.Struct("<IIQ")


def request_frame(request, text=b""):
    """A client's frame."""
    return _REQUEST.pack(request, len(text)) + text


def split_frames(data):
    """([(request, status, text, whole frame)], rest): the whole frames at the start of `data`."""
    frames, at = [], 0
    while len(data) - at >= _ANSWER.size:
        request, status, length = _ANSWER.unpack_from(data, at)
        end = at + _ANSWER.size + length
        if end > len(data):
            break
        frames.append((request, status, bytes(data[at + _ANSWER.size:end]), bytes(data[at:end])))
        at = end
    return frames, data[at:]


class Connection:
    """One connection. `receive` may raise ConnectionError, and so may `send`."""

    def __init__(self, port, seconds=30.0):
        self._socket = socket.create_connection(("127.0.0.1", port), seconds)
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def send(self, request, text=b""):
        """Sends one frame."""
        self._socket.sendall(request_frame(request, text))

    def receive(self):
        """The whole frames of the next piece that arrives; empty when the server has closed."""
        while True:
            piece = self._socket.recv(1 << 16)
            if not piece:
                return []
            frames, self._rest = split_frames(self._rest + piece)
            if frames:
                return frames

    def enter_lobby(self, name):
        """Takes a name; returns the rooms of the list that comes with it."""
        self.send(SET_NAME, name)
        frames = []
        while len(frames) < 2:
            arrived = self.receive()
            if not arrived:
                raise ConnectionError("closed instead of an answer to set_name")
            frames += arrived
        (request, status, reason, _), (listed, _, rooms, _) = frames[:2]
        if (request, status, listed) != (SET_NAME, SUCCESS, GET_CHATS):
            raise ConnectionError(f"set_name was refused: {reason.decode()}")
        return rooms.split(b"\n")[:-1]


def message_text(frame_text):
    """(user, message) of a receive_message frame's text: `user TAB time LF message`."""
    head, _, message = frame_text.partition(b"\n")
    return head.partition(b"\t")[0], message
