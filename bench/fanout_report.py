"""What bench/fanout shows: lines while it runs, a table of 80 columns, and the report."""

import report_sections
import terminal
from fanout_loads import PER_CONNECTION, PER_CPU
from fanout_summary import FIGURE, FIGURES, advantage, figures, losses, rivals
from markdown import table as markdown_table
from units import NOTHING, show, show_spread, significant

READING = """\
- *Deliveries per server CPU-second* divides by the user and system time of the server's process: what a core is worth,
  whatever the load generator takes. It is the figure to compare; the others depend on how much of the machine the load
  generator left.
- *The floor* is one thread that only sends the same bytes to as many connections ([how](../benchmarking.md#the-floor)); its
  CPU time is the sending thread's. It is measured in the same turns, so the share holds when the machine drifts. On one
  CPU with its receivers it is the least that a send can cost; on two CPUs it pays for crossing caches, as the servers do. *The
  uring server and its clients on one CPU* is in the circumstances of the former, for that share alone.
- The loads are closed loops: W messages of 64 bytes are on their way per room, and the next is sent when the publisher's own copy
  is back. Latencies are those of the load that the server dictates; compare them beside the rates.
- *The naive server* is a plain first form: a thread per client, blocking reads, and for each member the message read from its
  file again and sent with one call per field ([more](../benchmarking.md#side-by-side)). At W=1 its goal is
  out of reach: there is nothing to gather, and what can be saved is three sends and two reads of six calls, and wake-ups of threads.
- Redis and NATS deliver from memory and forget. The chat servers append every message to a file before anybody gets it.
- *System calls* are counted by the kernel for the whole process, in a run of its own, set-up and drain included.
- Ratios are of the medians, with the range over the rounds.
- A contender loses where none of its rounds reaches any round of the best.
- Every delivery was verified: loss, repetition, order, corruption, misdelivery, the same order for all members."""


def run_words(run):
    """What a run did."""
    found = run["figures"]
    if PER_CPU in found:
        return (f"{show(found['deliveries_per_second'], 'rate'):>9}  "
                f"{show(found[PER_CPU], 'count'):>7} per CPU-s")
    if PER_CONNECTION in found:
        return f"{show(found[PER_CONNECTION], 'bytes'):>9} per connection"
    return f"{show(found['system_calls_per_delivery'], 'plain'):>9} calls per delivery"


def _times(value):
    return NOTHING if value is None else f"{significant(value['median'])} ×"


def _share(value):
    return NOTHING if value is None else f"{100 * value['median']:.0f} %"


_COLUMNS = {
    PER_CPU: ("deliveries_per_second", PER_CPU, "last_member_p99", "system_calls_per_delivery"),
    PER_CONNECTION: (PER_CONNECTION, "memory_idle"),
}


def table(results):
    """Medians for a terminal of 80 columns."""
    lines, before = [], None
    for load in results["loads"]:
        if load["headline"] != before:
            lines.append(_line("", [FIGURE[name].short for name in _COLUMNS[load["headline"]]]
                               + ["of Redis", "of floor"]))
            before = load["headline"]
        lines.append(terminal.bold(load["title"]))
        lines += [_contender_line(results, load, one["label"]) for one in results["contenders"]
                  if figures(results, load, one["label"])[load["headline"]]]
    return "\n".join(lines)


def _line(name, cells):
    return f"  {name:<11}" + "".join(f"{cell:>11}" for cell in cells)


def _contender_line(results, load, label):
    values = figures(results, load, label)
    medians = [show(values[name]["median"] if values[name] else None, FIGURE[name].kind)
               for name in _COLUMNS[load["headline"]]]
    return _line(label, [*medians, _times(advantage(results, load, label, "redis")),
                         _share(advantage(results, load, label, "floor"))])


def _goal(reached, goal, text):
    """`1.62 × (1.44–1.80; goal 1.50 ×)`: with the range over the rounds, and that it is missed where
    it is."""
    if reached is None:
        return NOTHING
    least, most = (text({"median": reached[end]}).rstrip(" ×%") for end in ("min", "max"))
    told = [f"{least}–{most}"] if least != most else []
    if goal is not None:
        missed = "" if reached["median"] >= goal else ", **missed**"
        told.append(f"goal {text({'median': goal})}{missed}")
    return text(reached) + (f" ({'; '.join(told)})" if told else "")


# What is told of whom: (title, label, how the ratio reads).
_AGAINST = (("times Redis", "redis", _times), ("of the floor", "floor", _share),
            ("of the floor on two CPUs", "floor-2", _share),
            ("times its epoll I/O", "uring-epoll", _times), ("times pipeline", "pipeline", _times),
            ("times naive", "naive", _times))
_EVERYBODY = tuple(label for _, label, _ in _AGAINST)
_JUDGED = {"uring": _EVERYBODY, "uring-1": _EVERYBODY, "uring-4": _EVERYBODY,
           "uring-1-cpu": ("floor",), "pipeline": ("naive",)}


def goals(results):
    """What the uring server reaches of its goals, by load and number of workers, and the pipeline
    server of the one that is for both."""
    rows = []
    for contender in results["contenders"]:
        for load in results["loads"]:
            cells = [_goal(advantage(results, load, contender["label"], label),
                           load["goals"].get(label), text)
                     if label in _JUDGED.get(contender["label"], ()) else NOTHING
                     for _, label, text in _AGAINST]
            if any(cell != NOTHING for cell in cells):
                rows.append([contender["title"], load["title"], *cells])
    return markdown_table(["server", "load", *(title for title, _, _ in _AGAINST)], rows)


def load_table(results, load):
    """All figures of all contenders under one load."""
    values = {one["title"]: figures(results, load, one["label"]) for one in results["contenders"]}
    values = {title: row for title, row in values.items() if row[load["headline"]]}
    shown = [figure for figure in FIGURES if any(row[figure.name] for row in values.values())]
    return markdown_table(["", *(figure.title for figure in shown)],
                          [[title, *(show_spread(row[figure.name], figure.kind) for figure in shown)]
                           for title, row in values.items()])


def _losses(results):
    load_title = {load["name"]: load["title"] for load in results["loads"]}
    return report_sections.losses(rivals(results), losses(results),
                                  lambda loss: f"{loss.figure.title}, {load_title[loss.load]}")


def text(results, charts):
    """The report; `charts` maps names to paths as the report must link them."""
    settings = results["settings"]
    violations = sum(run.get("violations", 0) for run in results["runs"])
    parts = [f"# Fan-out side by side, {results['started'][:10]}",
             f"{len(results['runs'])} runs, {settings['rounds']} round(s) of "
             f"{settings['duration_seconds']:g} s after {settings['warm_up_seconds']:g} s of warm-up, "
             f"contenders in turns, a fresh process each; medians, in brackets the range. "
             f"Violations in all deliveries: {violations}.",
             *report_sections.warnings(results), *report_sections.failures(results),
             "## What is reached", goals(results),
             f"![The headline figure of each load]({charts['headline']})"]
    for load in results["loads"]:
        parts += [f"## {load['title'][0].upper()}{load['title'][1:]}", load_table(results, load)]
    parts += ["## Where each one loses", *_losses(results), "## How to read this", READING,
              "## Machine and build", report_sections.machine(results), "## Commands",
              report_sections.commands(results)]
    return "\n\n".join(parts) + "\n"


def write(results, folder):
    """Draws the chart into `folder`, that of results.json, and writes the report beside it, as
    FOLDER.md; returns the report's path."""
    import fanout_chart  # here: it needs matplotlib, which the bootstrap may only just have installed

    fanout_chart.draw(results, folder / "headline.svg")
    path = folder.parent / f"{folder.name}.md"
    path.write_text(text(results, {"headline": f"{folder.name}/headline.svg"}))
    return path
