"""The chart of bench/history: how fast a history comes, and what the others wait meanwhile."""

import numpy

from chart_style import COLOURS, FAINT, plt, save, tick_formatter
from history_parts import PARTS, TARGETS
from history_summary import figures

_SHADES = {"quiet": 0.35, "elsewhere": 0.65, "joins": 1.0}


def draw(results, path):
    """Bars with the range of the rounds as whiskers."""
    labels = [one["label"] for one in reversed(results["contenders"])]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 0.75 * len(labels) + 1.3))
    _bars(left, labels, [figures(results, "alone", label)["stream_rate"] for label in labels], 0.0, 0.6, 1.0)
    left.axvline(TARGETS[0].limit, color=FAINT, linestyle="--", linewidth=1.2)
    left.set_title("a join's bytes per second, target dashed")
    left.xaxis.set_major_formatter(tick_formatter("byte_rate"))
    for place, (part, shade) in enumerate(_SHADES.items()):
        _bars(right, labels, [figures(results, part, label)["others_p99"] for label in labels],
              0.26 * (1 - place), 0.24, shade)
    right.set_title("the others' p99 while somebody joins:\n"
                    + ", ".join(PARTS[part].short for part in _SHADES))
    right.xaxis.set_major_formatter(tick_formatter("seconds"))
    for axis in (left, right):
        axis.grid(axis="y", visible=False)
        axis.set_yticks(range(len(labels)), labels)
    figure.tight_layout(w_pad=2.0)
    save(figure, path)


def _bars(axis, labels, spreads, offset, height, shade):
    for place, (label, values) in enumerate(zip(labels, spreads)):
        if values is None:
            continue
        whiskers = numpy.array([[values["median"] - values["min"]], [values["max"] - values["median"]]])
        axis.barh(place + offset, values["median"], height=height, xerr=whiskers, ecolor=FAINT,
                  color=COLOURS[label], alpha=shade, error_kw={"elinewidth": 1.2})
