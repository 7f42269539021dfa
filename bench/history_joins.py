"""Joins of the room with the long history, one after the other, and what those of a window came to.

1. The first join opens the room: it stands apart, in figures of its own.
2. Of the others those count that ended in the window. With a load that is its measured window, so
   joins of its set-up, warm-up and drain, and one that outlasts it, are in no figure. Without a load it
   is the time from the first join's end to the last one's.
"""

import time
from dataclasses import dataclass
from statistics import median

from accounting import process_seconds, script_seconds
from child import ChildError
from history_client import Stream
from history_data import ROOM

_GIGABYTE = 1e9


@dataclass(frozen=True)
class Join:
    """`ended`: when, in seconds since 1970; CPU times are from the end of the join before to its own."""

    stream: Stream
    ended: float
    server_seconds: float
    reader_seconds: float


def read(client, messages, server_pid, enough, seconds_max):
    """Joins again and again until enough(), at least twice; ChildError where that takes too long."""
    deadline = time.monotonic() + seconds_max
    joins = []
    server, reader = process_seconds(server_pid), script_seconds()
    while len(joins) < 2 or not enough():
        if time.monotonic() > deadline:
            raise ChildError(f"the end did not come in {seconds_max:g} s")
        stream = client.read_history(ROOM, messages)
        ended, before = time.time(), (server, reader)
        server, reader = process_seconds(server_pid), script_seconds()
        joins.append(Join(stream, ended, server - before[0], reader - before[1]))
    return joins


def load_window(result):
    """(begin, end) of what the load generator measured, in seconds since 1970."""
    begin = result["window_started_unix_seconds"]
    return begin, begin + result["measured_seconds"]


def own_window(joins):
    """The same of joins that nothing else went on beside."""
    return joins[0].ended, joins[-1].ended


def figures(joins, window):
    """Figures of results.json; None for what no join of the window tells."""
    begin, end = max(window[0], joins[0].ended), window[1]
    counted = [join for join in joins[1:] if begin < join.ended <= end]
    gigabytes = sum(join.stream.history_bytes for join in counted) / _GIGABYTE
    found = {"streams": len(counted), "joins_per_second": None, "stream_rate": None,
             "server_cpu_per_gigabyte": None, "reader_cpu_per_gigabyte": None,
             "first_answer": joins[0].stream.answer_seconds,
             "first_stream_rate": joins[0].stream.bytes_per_second}
    if end > begin:
        found["joins_per_second"] = len(counted) / (end - begin)
    if counted:
        found |= {
            "stream_rate": median(join.stream.bytes_per_second for join in counted),
            "server_cpu_per_gigabyte": sum(join.server_seconds for join in counted) / gigabytes,
            "reader_cpu_per_gigabyte": sum(join.reader_seconds for join in counted) / gigabytes}
    return found
