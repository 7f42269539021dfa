"""Medians, rises within a round, what is reached and who loses where, from the runs of bench/history."""

from figures import by_round, good_runs, losses_on
from history_parts import FIGURES, P99_RISE, TARGETS
from spread import ratio, spread


def figures(results, part, contender):
    """{name: spread or None} of all figures of a part."""
    runs = good_runs(results["runs"], part, contender)
    return {figure.name: spread([run["figures"].get(figure.name) for run in runs])
            for figure in FIGURES[part]}


def rise(results, part, contender, name):
    """A figure of the others in this part over the same without any join: the ratio of the medians
    with its range over the rounds; None where a part does not have it."""
    return ratio(*(by_round(results["runs"], load, contender, name) for load in (part, "quiet")))


def p99_rise(results, part, contender):
    """That of the others' p99, for which there is a target."""
    return rise(results, part, contender, "others_p99")


def reached(results, contender):
    """[(target, spread or None)] of every target."""
    return list(zip(TARGETS, (figures(results, "alone", contender)["stream_rate"],
                              p99_rise(results, "joins", contender),
                              figures(results, "start", contender)["list_seconds"]), strict=True))


def losses(results):
    """Where each server is clearly behind the best: no round of it reaches any of the best's."""
    labels = [one["label"] for one in results["contenders"]]
    found = []
    for part, judged in FIGURES.items():
        if part == "elsewhere":  # there only to be compared with
            continue
        table = {label: figures(results, part, label) for label in labels}
        for figure in judged:
            found += losses_on(table, part, figure)
    rises = {label: {P99_RISE.name: p99_rise(results, "joins", label)} for label in labels}
    return found + losses_on(rises, "joins", P99_RISE)


def late(results):
    """Runs in which the load generator did not keep its schedule."""
    return [run for run in results["runs"] if run["problem"] is None and "generator_limit" in run]
