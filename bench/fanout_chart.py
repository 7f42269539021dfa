"""The chart of bench/fanout: the headline figure, a panel for each load."""

import math

from matplotlib.ticker import MultipleLocator

from chart_style import COLOURS, FAINT, panels, save, tick_formatter
from fanout_summary import FIGURE, figures


def draw(results, path):
    """Bars with the range of the rounds as whiskers."""
    figure, placed = panels(results["loads"], 0.24 * len(results["contenders"]) + 0.9)
    for load, axis in placed:
        _panel(axis, results, load)
    figure.tight_layout(h_pad=1.6, w_pad=2.0)
    save(figure, path)


def _panel(axis, results, load):
    known = [(one["label"], figures(results, load, one["label"])[load["headline"]])
             for one in reversed(results["contenders"])]
    known = [(label, values) for label, values in known if values is not None]
    medians = [values["median"] for _, values in known]
    whiskers = [[values["median"] - values["min"] for _, values in known],
                [values["max"] - values["median"] for _, values in known]]
    axis.barh([label for label, _ in known], medians, xerr=whiskers, ecolor=FAINT,
              color=[COLOURS[label] for label, _ in known], height=0.72,
              error_kw={"elinewidth": 1.2})
    headline = FIGURE[load["headline"]]
    axis.set_title(f"{load['title']}: {headline.short}")
    axis.xaxis.set_major_formatter(tick_formatter(headline.kind))
    if headline.kind == "bytes" and medians:  # whole KiB
        axis.xaxis.set_major_locator(MultipleLocator(1024 * math.ceil(max(medians) / 6144)))
    axis.grid(axis="y", visible=False)
