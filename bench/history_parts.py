"""What bench/history measures: the parts, their figures, and what is to be reached."""

from dataclasses import dataclass

from figures import Figure

MESSAGES = 1_000_000
ROOMS = 10_000
OTHERS = {"members": 10, "rate": 1000}


@dataclass(frozen=True)
class Part:
    """`streams`: whence histories are read meanwhile: from the measured `server`, from an `other`
    one of the same kind, or None; `others`: whether the other members' room is under load."""

    name: str
    title: str
    short: str
    streams: str | None
    others: bool


PARTS = {
    part.name: part
    for part in (
        Part("alone", "joining, nothing else going on", "joining alone", "server", False),
        Part("quiet", "the others, nobody joins", "nobody", None, True),
        Part("elsewhere", "the others, somebody joins on another server", "elsewhere", "other", True),
        Part("joins", "the others, somebody joins", "here", "server", True),
        Part("start", "starting", "starting", None, False),
    )
}

_STREAM = Figure("stream_rate", "a join's bytes per second", "rate", "byte_rate", True)
_CPU = Figure("server_cpu_per_gigabyte", "server CPU per GB", "CPU per GB", "seconds", False)
_READER = Figure("reader_cpu_per_gigabyte", "reader CPU per GB", "reader", "seconds")
_JOINS = Figure("joins_per_second", "joins per second", "joins/s", "plain")

JOINING = (
    _STREAM,
    _CPU,
    _READER,
    Figure("first_answer", "first join after the start, its answer", "first answer", "seconds", False),
    Figure("first_stream_rate", "first join, bytes per second", "first", "byte_rate", True),
    _JOINS,
)
OTHERS_WAIT = (
    Figure("others_p50", "last member, p50", "p50", "seconds", False),
    Figure("others_p99", "last member, p99", "p99", "seconds", False),
    Figure("others_p99_from_sending", "the same from sending", "sent p99", "seconds", False),
    Figure("send_lag_p99", "load generator late, p99", "late p99", "seconds"),
    Figure("server_cores", "server, cores", "server", "plain"),
    Figure("generator_cores", "load generator, cores", "load", "plain"),
    _STREAM,
    _JOINS,
)
STARTING = (
    Figure("list_seconds", "start to the whole list", "list", "seconds", False),
    Figure("ready_seconds", "start to accepting", "accepts", "seconds", False),
    Figure("start_cpu_seconds", "server CPU", "CPU", "seconds", False),
)
FIGURES = {"alone": JOINING, "quiet": OTHERS_WAIT, "elsewhere": OTHERS_WAIT, "joins": OTHERS_WAIT,
           "start": STARTING}

# Of two parts: see history_summary.rise().
P99_RISE = Figure("p99_rise", "last member's p99, times that without a join", "p99 rise", "ratio", False)


@dataclass(frozen=True)
class Target:
    """What is to be reached: `limit` is the least where more is better, else the most."""

    title: str
    figure: Figure
    limit: float

    def met(self, value):
        return value >= self.limit if self.figure.higher_is_better else value <= self.limit


TARGETS = (
    # Per worker: a reader is served by one.
    Target("a join's bytes per second", _STREAM, 1e9),
    Target("the others' p99, somebody joins here over nobody", P99_RISE, 1.10),
    Target(f"start to the list (target for {ROOMS:,} rooms)", STARTING[0], 1.0),
)
