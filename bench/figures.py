"""Figures of runs, and who is behind whom on them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure of a run; `kind` is of units.show, `short` for a terminal."""

    name: str
    title: str
    short: str
    kind: str
    higher_is_better: bool | None = None  # None: said, not judged


def good_runs(runs, load, contender):
    """Runs of one contender under one load that ended well."""
    return [run for run in runs if run["load"] == load and run["contender"] == contender
            and run["problem"] is None]


def by_round(runs, load, contender, name):
    """{round: value} of a figure in the runs that ended well; None for a run that lacks it."""
    return {run["round"]: run["figures"].get(name) for run in good_runs(runs, load, contender)}


@dataclass(frozen=True)
class Loss:
    """`loser` is behind `winner` by `factor` on a figure, in every round."""

    loser: str
    winner: str
    load: str
    figure: Figure
    factor: float


def losses_on(table, load, figure):
    """Who is clearly behind the best on a figure: no round of it reaches any of the best's. `table` is
    {label: {figure's name: spread or None}}."""
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
