"""Medians, ratios within a round, and who loses where, from the runs of bench/fanout."""

from dataclasses import dataclass
from statistics import median

from fanout_loads import PER_CONNECTION, PER_CPU
from compare_summary import spread


@dataclass(frozen=True)
class Figure:
    """A figure of a run; `kind` is of units.show, `short` for a terminal."""

    name: str
    title: str
    short: str
    kind: str
    higher_is_better: bool | None = None  # None: said, not judged


FIGURES = (
    Figure("deliveries_per_second", "deliveries per second", "deliveries", "rate", True),
    Figure(PER_CPU, "deliveries per server CPU-second", "per CPU-s", "count", True),
    Figure("last_member_p50", "last member, p50", "last p50", "seconds", False),
    Figure("last_member_p99", "last member, p99", "last p99", "seconds", False),
    Figure("system_calls_per_delivery", "system calls per delivery", "calls", "plain", False),
    Figure("sends_per_delivery", "sends per delivery", "sends", "plain"),
    Figure(PER_CONNECTION, "memory per connection", "memory", "bytes", False),
    Figure("memory_idle", "server memory", "all of it", "bytes", False),
    Figure("server_cores", "server, cores", "server", "plain"),
    Figure("generator_cores", "load generator, cores", "load", "plain"),
)
# No servers: what they are measured against.
FLOORS = ("floor", "floor-2")
FIGURE = {figure.name: figure for figure in FIGURES}
# A generator that is busy for longer than this share of the time is the limit, not the server.
GENERATOR_BUSY = 0.95


def good(runs, load, contender):
    """Runs of one contender under one load that ended well."""
    return [run for run in runs if run["load"] == load and run["contender"] == contender
            and run["problem"] is None]


def figures(results, load, contender):
    """{name: spread or None} of all figures; the calls from the counting runs where there are."""
    runs = good(results["runs"], load["name"], contender)
    counting = good(results["counting_runs"], load["name"], contender)
    return {figure.name: spread([run["figures"].get(figure.name) for run in runs + counting])
            for figure in FIGURES}


def advantage(results, load, contender, other):
    """How many times better than the other the contender is on the load's headline: the ratio of the
    medians with its range over the rounds; None where one of them was not measured."""
    name = load["headline"]
    better, worse = ({run["round"]: run["figures"][name]
                      for run in good(results["runs"], load["name"], label)}
                     for label in (contender, other))
    if not FIGURE[name].higher_is_better:
        better, worse = worse, better
    shared = sorted(better.keys() & worse.keys())
    if not shared:
        return None
    by_round = spread([better[number] / worse[number] for number in shared])
    return by_round | {"median": median(better.values()) / median(worse.values())}


@dataclass(frozen=True)
class Loss:
    """`loser` is behind `winner` by `factor` on a figure, in every round."""

    loser: str
    winner: str
    load: str
    figure: Figure
    factor: float


def losses(results):
    """Where each contender is clearly behind the best: no round of it reaches any of the best's."""
    found = []
    servers = [one["label"] for one in results["contenders"] if one["label"] not in FLOORS]
    for load in results["loads"]:
        table = {label: figures(results, load, label) for label in servers}
        for figure in FIGURES:
            found += losses_on(table, load["name"], figure)
    return found


def losses_on(table, load, figure):
    """The same on one figure; `table` is {label: figures()}."""
    known = {label: row[figure.name] for label, row in table.items() if row[figure.name]}
    if figure.higher_is_better is None or len(known) < 2:
        return []
    best = (max if figure.higher_is_better else min)(
        known, key=lambda label: known[label]["median"])
    lost = []
    for label, values in known.items():
        above, below = ((known[best], values) if figure.higher_is_better else (values, known[best]))
        if label != best and above["min"] > below["max"] and below["median"] > 0:
            lost.append(Loss(label, best, load, figure, above["median"] / below["median"]))
    return lost


def problems(results):
    """Every run that failed."""
    return [run for run in results["runs"] + results["counting_runs"] if run["problem"]]
