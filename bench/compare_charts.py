"""The charts of a comparison; how they look is in chart_style."""

import math

import matplotlib
import numpy
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from chart_style import COLOURS, FAINT, panels, plt, save, tick, tick_formatter
from compare_summary import PERCENTILES, figures, good_runs, percentile

MARKERS = {"pipeline": "o", "uring": "s", "uring-epoll": "^"}
# Pale to dark, without the ends that a white page and black text would swallow.
HEAT = ListedColormap(matplotlib.colormaps["magma_r"](numpy.linspace(0.06, 0.92, 128)))
MEBIBYTE = 2.0**20
LEGEND = 0.4  # inches that it takes


def _save(figure, folder, name):
    save(figure, folder / f"{name}.svg")
    return f"{name}.svg"


def _legend(figure, results, lines):
    marks = [plt.Line2D([], [], color=COLOURS[server["label"]], linewidth=2.5 if lines else 0,
                        marker=MARKERS[server["label"]], label=server["title"])
             for server in results["servers"]]
    figure.legend(handles=marks, loc="upper left", ncol=len(marks))


def _arrange(figure, results, lines=True):
    """Lays the panels out under a row for the legend; comes last, when every label is known."""
    figure.tight_layout(rect=(0, 0, 1, 1 - LEGEND / figure.get_figheight()), h_pad=1.6, w_pad=2.5)
    _legend(figure, results, lines)


def throughput(results, folder):
    """Medians as bars from zero, every round as a dot: each load has its own scale."""
    rows = (("_per_second", "per second"), ("_per_cpu_second", "per server CPU-second"))
    loads = results["loads"]
    figure, axes = plt.subplots(len(rows), len(loads), squeeze=False,
                                figsize=(2.5 * len(loads) + 0.6, 5.6))
    for row, (name, title) in zip(axes, rows):
        row[0].set_ylabel(title)
        for axis, load in zip(row, loads):
            _bars(axis, results, load, _counted(load) + name)
    for axis, load in zip(axes[0], loads):
        axis.set_title(load["title"].replace(", ", "\n") + f"\n({_counted(load)})", loc="center")
    _arrange(figure, results, lines=False)
    return _save(figure, folder, "throughput")


def _counted(load):
    """What a load's throughput is counted in: most deliveries of a thesis are replayed history."""
    return "messages" if load["workload"] == "thesis" else "deliveries"


def _bars(axis, results, load, name):
    for position, server in enumerate(results["servers"]):
        label = server["label"]
        values = [figures(run)[name] for run in good_runs(results, load["name"], label)]
        values = [value for value in values if value is not None]
        if values:
            axis.bar(position, numpy.median(values), 0.62, color=COLOURS[label], alpha=0.45)
            offsets = numpy.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else [0.0]
            axis.plot([position + offset for offset in offsets], values, MARKERS[label],
                      color=COLOURS[label], markersize=4)
    axis.set_xticks([])
    axis.set_xlim(-0.6, len(results["servers"]) - 0.4)
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.yaxis.set_major_formatter(tick_formatter("count"))
    axis.grid(axis="x", visible=False)


def percentiles(results, folder):
    """Latency by percentile: the median over the rounds as a line, their range as a band."""
    figure, placed = panels(results["loads"], 3.0, spare_height=LEGEND)
    for load, axis in placed:
        request = "last_member" if load["workload"] == "fanout" else "own_copy"
        for server in results["servers"]:
            _percentile_line(axis, good_runs(results, load["name"], server["label"]), request,
                             server["label"])
        axis.set_title(f"{load['title']}: to the {request.replace('_', ' ')}")
        axis.set_yscale("log")
        axis.set_xticks(range(len(PERCENTILES)), [title for _, title in PERCENTILES])
        axis.set_xlim(-0.3, len(PERCENTILES) - 0.7)
        _log_latency_axis(axis)
    _arrange(figure, results)
    return _save(figure, folder, "percentiles")


def _percentile_line(axis, runs, request, label):
    points = []
    for position, (key, _) in enumerate(PERCENTILES):
        values = [percentile(run, request, key) for run in runs]
        values = [value for value in values if value]
        if values:
            points.append((position, numpy.median(values), min(values), max(values)))
    if points:
        positions, medians, lows, highs = zip(*points)
        axis.fill_between(positions, lows, highs, color=COLOURS[label], alpha=0.15, linewidth=0)
        axis.plot(positions, medians, color=COLOURS[label], marker=MARKERS[label], linewidth=2)


def _log_latency_axis(axis):
    low, high = axis.get_ylim()
    steps = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0)
    axis.yaxis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.yaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(tick_formatter("seconds"))
    axis.tick_params(which="minor", length=0)


def over_time(results, folder, series, title, unit=1.0):
    """One curve for each round, all from the moment its load began; the warm-up is shaded.
    `title` names the unit, which is that many of what the series counts."""
    figure, placed = panels(results["loads"], 2.6, spare_height=LEGEND)
    for load, axis in placed:
        for server in results["servers"]:
            for run in good_runs(results, load["name"], server["label"]):
                _curve(axis, run.get("series", {}).get(series, []), server["label"], unit)
        axis.set_title(load["title"])
        axis.axvspan(0, results["settings"]["warm_up_seconds"], color="#f1f1f1", linewidth=0)
        axis.set_xlim(left=0)
        axis.set_ylim(0, axis.get_ylim()[1] * 1.05)
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.yaxis.set_major_formatter(tick_formatter("count"))
    for _, axis in placed[-2:]:
        axis.set_xlabel("seconds since the load began", color=FAINT)
    for _, axis in placed[::2]:
        axis.set_ylabel(title)
    _arrange(figure, results)
    return _save(figure, folder, series)


def _curve(axis, points, label, unit):
    if points:
        times, values = zip(*points)
        axis.plot(times, [value / unit for value in values], color=COLOURS[label], alpha=0.75,
                  linewidth=1.3, marker=MARKERS[label], markersize=4 if len(points) < 5 else 0)


def heatmap(results, load, folder):
    """Latency buckets upward, time across, round after round; the darker, the more deliveries.
    None where there is nothing to show."""
    maps = {}
    for server in results["servers"]:
        runs = good_runs(results, load["name"], server["label"])
        found = [run["series"]["heatmap"] for run in runs if "series" in run]
        found = [one for one in found if any(map(any, one["rows"]))]
        if found:
            maps[server["title"]] = found
    if not maps:
        return None
    everything = [one for found in maps.values() for one in found]
    used = [row for one in everything for row, values in enumerate(one["rows"]) if any(values)]
    rows = range(max(0, min(used) - 1), min(len(everything[0]["bounds"]), max(used) + 2))
    positive = [value for one in everything for row in one["rows"] for value in row if value > 0]
    colours = LogNorm(min(positive), max(max(positive), 2 * min(positive)))
    figure, axes = plt.subplots(len(maps), 1, squeeze=False,
                                figsize=(9.6, (0.17 * len(rows) + 0.7) * len(maps) + 0.3))
    for axis, (title, found) in zip(axes.flat, maps.items()):
        image = _heatmap_panel(axis, found, rows, colours)
        axis.set_title(title)
    axes.flat[-1].set_xlabel("seconds since the load began, round after round", color=FAINT)
    figure.tight_layout(h_pad=1.5, rect=(0, 0, 0.92, 1))
    bar = figure.colorbar(image, ax=axes.ravel().tolist(), fraction=0.03, pad=0.02, aspect=30)
    bar.set_label("own copies per second")
    bar.ax.yaxis.set_major_formatter(tick_formatter("count"))
    bar.ax.tick_params(which="minor", length=0)
    bar.outline.set_visible(False)
    return _save(figure, folder, f"heatmap-{load['name']}")


def _heatmap_panel(axis, rounds, rows, colours):
    bounds = rounds[0]["bounds"]
    cells = numpy.concatenate([numpy.array(one["rows"]) for one in rounds], axis=1)
    cells = numpy.ma.masked_less_equal(cells[rows.start:rows.stop], 0.0)
    image = axis.imshow(cells, aspect="auto", origin="lower", interpolation="nearest", cmap=HEAT,
                        norm=colours, extent=(0, cells.shape[1], rows.start, rows.stop), zorder=2)
    # A row's lower edge is the bound of the bucket below it; the last bucket has no upper bound.
    edges = [edge for edge in range(rows.start, rows.stop + 1) if 0 < edge < len(bounds)]
    decades = [edge for edge in edges if _is_decade(bounds[edge - 1])]
    axis.set_yticks(edges, minor=True)
    axis.set_yticks(decades, [tick(bounds[edge - 1], "seconds") for edge in decades])
    axis.grid(False)
    axis.grid(axis="y", which="major")
    _mark_rounds(axis, rounds)
    return image


def _is_decade(bound):
    exponent = math.log10(bound)
    return abs(exponent - round(exponent)) < 1e-6


def _mark_rounds(axis, rounds):
    """A white gap between rounds; below, the seconds of some columns of each."""
    position, ticks, labels = 0, [], []
    for one in rounds:
        if position:
            axis.axvline(position, color="white", linewidth=3, zorder=3)
        step = max(1, -(-len(one["times"]) // 3))
        for column in range(0, len(one["times"]), step):
            ticks.append(position + column + 0.5)
            labels.append(f"{one['times'][column]:.0f}")
        position += len(one["times"])
    axis.set_xticks(ticks, labels)


def draw(results, folder):
    """Writes every chart that the results allow; {name: file name}."""
    files = {"throughput": throughput(results, folder), "percentiles": percentiles(results, folder)}
    if not any("series" in run for run in results["runs"]):
        return files
    files["cpu"] = over_time(results, folder, "cpu", "server CPU, cores")
    files["memory"] = over_time(results, folder, "memory", "resident memory, MiB", MEBIBYTE)
    files["deliveries"] = over_time(results, folder, "deliveries", "deliveries per second")
    for load in results["loads"]:
        name = heatmap(results, load, folder)
        if name is not None:
            files[f"heatmap-{load['name']}"] = name
    return files
