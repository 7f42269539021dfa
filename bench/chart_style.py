"""How the charts of all reports look, as SVG: readable on white and dark pages, the same bytes for the
same results (fixed hash salt, no date), text kept as text so that they stay small and searchable."""

import logging
import math

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

from units import scale_of

# By contender: Okabe and Ito's palette, told apart by people who see colours differently, and in grey.
COLOURS = {"floor": "#999999", "floor-2": "#bbbbbb", "uring": "#0072B2", "uring-1": "#56B4E9",
           "uring-4": "#004870", "uring-epoll": "#009E73", "pipeline": "#D55E00", "redis": "#CC79A7",
           "nats": "#E69F00", "naive": "#000000", "uring-1-cpu": "#F0E442"}
INK, FAINT = "#222222", "#707070"

# Viewers have the other fonts where this machine has none of them; there is no need to warn of it.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
matplotlib.rcParams.update({
    "svg.hashsalt": "ringside", "svg.fonttype": "none",
    "font.family": "sans-serif", "font.size": 10,
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": FAINT, "axes.labelcolor": INK, "text.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.8, "axes.axisbelow": True,
    "xtick.color": INK, "ytick.color": INK,
    "figure.facecolor": "white", "savefig.facecolor": "white", "legend.frameon": False,
})


def save(figure, path):
    """The same bytes for the same figure."""
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(figure)


def tick(value, kind):
    """A round number as an axis shows it: `50 µs`, `1.5 M`."""
    if value <= 0:
        return "0"
    factor, unit = scale_of(value, kind)
    return f"{value / factor:.4g}{unit}"


def tick_formatter(kind):
    """For an axis of values of a kind."""
    return FuncFormatter(lambda value, _: tick(value, kind))


def panels(loads, row_height, *, spare_height=0.0):
    """(figure, [(load, axis)]): a panel for each load, two in a row, with spare height for a legend."""
    rows = math.ceil(len(loads) / 2)
    figure, axes = plt.subplots(rows, 2, figsize=(9.6, row_height * rows + spare_height), squeeze=False)
    for axis in list(axes.flat)[len(loads):]:
        axis.set_visible(False)
    return figure, list(zip(loads, axes.flat))
