"""The loads of bench/fanout, and what the uring server is to reach under each."""

from dataclasses import dataclass

# Bytes of a frame that carries the load generator's 64: header 16, name 13, time 17, two separators.
FRAME_BYTES = 112
PAYLOAD_BYTES = 64

PER_CPU = "deliveries_per_cpu_second"
PER_CONNECTION = "memory_per_connection"


@dataclass(frozen=True)
class FanoutLoad:
    """`headline`: the figure that the load is there for. `goals`: how many times better than another
    contender the uring server is to be on it, in the same run; against the floor, a share.
    `floor`: the floor's arguments, None where it has no meaning."""

    name: str
    title: str
    workload: str  # of the load generator
    arguments: tuple
    members: int  # who receive each message
    headline: str
    goals: dict
    floor: tuple | None = None


def _room(name, title, members, outstanding, **goals):
    # The floor's sends carry as many messages as can be on their way.
    return FanoutLoad(name, title, "fanout", _fanout(1, members, outstanding), members, PER_CPU,
                      goals,
                      ("--connections", members, "--batch", outstanding, "--bytes", FRAME_BYTES))


def _fanout(rooms, members, outstanding):
    return ("--rooms", rooms, "--members", members, "--publishers", 1,
            "--outstanding", outstanding, "--payload", PAYLOAD_BYTES)


LOADS = {
    load.name: load
    for load in (
        _room("w1", "one room of 100, W=1", 100, 1, redis=1.08, floor=0.95, naive=20.0),
        _room("w16", "one room of 100, W=16", 100, 16, redis=1.5, floor=0.85, naive=20.0),
        _room("w256", "one room of 100, W=256", 100, 256, redis=4.0, floor=0.80, naive=20.0),
        _room("huge", "one room of 9,000, W=16", 9000, 16, redis=2.0),
        FanoutLoad("pairs-w1", "1,000 rooms of 2, W=1", "fanout", _fanout(1000, 2, 1), 2, PER_CPU,
                   {"redis": 1.25}),
        FanoutLoad("pairs-w8", "1,000 rooms of 2, W=8", "fanout", _fanout(1000, 2, 8), 2, PER_CPU,
                   {"redis": 1.5}),
        FanoutLoad("idle", "15,000 idle connections", "idle", ("--users", 15_000), 0,
                   PER_CONNECTION, {"redis": 7.0}),
    )
}
