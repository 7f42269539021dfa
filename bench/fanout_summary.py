"""Medians, ratios within a round, and who loses where, from the runs of bench/fanout."""

from fanout_loads import PER_CONNECTION, PER_CPU
from figures import Figure, by_round, good_runs, losses_on
from spread import ratio, spread

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
# What the servers are measured against, and what has other circumstances: neither loses nor wins.
REFERENCES = ("floor", "floor-2", "naive", "uring-1-cpu")
FIGURE = {figure.name: figure for figure in FIGURES}


def figures(results, load, contender):
    """{name: spread or None} of all figures; the calls from the counting runs where there are."""
    runs = good_runs(results["runs"], load["name"], contender)
    counting = good_runs(results["counting_runs"], load["name"], contender)
    return {figure.name: spread([run["figures"].get(figure.name) for run in runs + counting])
            for figure in FIGURES}


def advantage(results, load, contender, other):
    """How many times better than the other the contender is on the load's headline: the ratio of the
    medians with its range over the rounds; None where one of them was not measured."""
    figure = FIGURE[load["headline"]]
    own, others = (by_round(results["runs"], load["name"], label, figure.name)
                   for label in (contender, other))
    return ratio(own, others) if figure.higher_is_better else ratio(others, own)


def rivals(results):
    """{label: title} of those that lose and win."""
    return {one["label"]: one["title"] for one in results["contenders"]
            if one["label"] not in REFERENCES}


def losses(results):
    """Where each rival is clearly behind the best: no round of it reaches any of the best's."""
    found = []
    for load in results["loads"]:
        table = {label: figures(results, load, label) for label in rivals(results)}
        for figure in FIGURES:
            found += losses_on(table, load["name"], figure)
    return found
