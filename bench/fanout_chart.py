"""The chart of bench/fanout: the headline figure, a panel for each load."""

import math

from matplotlib.ticker import MultipleLocator

from compare_charts import FAINT, plt, save, tick_formatter
from fanout_summary import FIGURE, figures

COLOURS = {"floor": "#999999", "floor-2": "#bbbbbb", "uring": "#0072B2", "uring-1": "#56B4E9", "uring-4": "#004870",
           "uring-epoll": "#009E73", "pipeline": "#D55E00", "redis": "#CC79A7", "nats": "#E69F00"}


def draw(results, path):
    """Bars with the range of the rounds as whiskers."""
    loads = results["loads"]
    rows = math.ceil(len(loads) / 2)
    bars = len(results["contenders"])
    figure, axes = plt.subplots(rows, 2, figsize=(9.6, (0.24 * bars + 0.9) * rows), squeeze=False)
    for axis in list(axes.flat)[len(loads):]:
        axis.set_visible(False)
    for load, axis in zip(loads, axes.flat):
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
