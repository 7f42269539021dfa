"""What bench/history shows: lines while it runs, a table of 80 columns, and the report."""

import report_sections
import terminal
from history_parts import FIGURES, PARTS, TARGETS
from history_summary import figures, late, losses, p99_rise, reached, rise
from markdown import table as markdown_table
from units import NOTHING, show, show_spread, significant

READING = """\
- *Joining*: one client, written in Python, joins the room, receives the whole history into one buffer without looking at
  it, leaves, and joins again, on the same connection, until the time is over; the rate is the history's bytes over the time from the
  request to the last byte, the median of a run's joins without its first. Joins per second and CPU times are those from the first join's
  end to the last one's. The server was restarted on the folder that it had filled, so
  its memory holds nothing of the room at the first join, which also opens the file and checks its end; that one stands apart. Later joins
  find the newest segments in memory, everything else is read from the file. The kernel has the file in its page cache throughout: no disk
  is measured here. After the last time was taken, one more join has every frame examined.
- One join is served by one worker, so its rate is a rate per worker, whatever `--workers` says. The reader works at the same time: it needs a
  core of its own.
- *The others*: a room of {members}, in which one sends {rate} messages of 64 bytes a second (open loop: latencies count from when a message
  was due). *Nobody*: nobody joins meanwhile. *Here*: the client above reads the history from the same server, join after join, from
  before the load's set-up to its end; those that end within the load's measured time count, and joins per second are those over that time. *Elsewhere*: it reads it from a second server of the same kind. Then this server does as much as
  with nobody, and what the others wait longer is the price of sharing the cores; what *here* adds to that is the server's own.
- *Load generator late* is how long after it was due a message was sent for the generator's own sake. Where its p99 is near the others' p99,
  the wait is for a core and not for the server. *From sending* leaves that lateness out.
- The reader, the load generator and the server compete for {cores} cores.
- CPU time is user and system time of the process, to 10 ms. The reader's is this script's.
- *Starting* is timed from before the fork to the moment at which the script has found the port file (looked for every
  millisecond; a server writes it when it accepts), and to the moment at which a client has connected, taken a name and received the
  whole list. All servers start on the same folder of rooms without messages; only headers are read at a start. The page cache is warm.
- A ratio is that of the medians, its range that of the rounds. A server loses where none of its rounds reaches any round of the best."""


def run_words(run):
    """What a run did."""
    found = run["figures"]
    words = []
    if "list_seconds" in found:
        words.append(f"{show(found['list_seconds'], 'seconds'):>8} to the list")
    if "stream_rate" in found:
        words.append(f"{show(found['stream_rate'], 'byte_rate'):>9}")
    if "others_p99" in found:
        words.append(f"p99 {show(found['others_p99'], 'seconds'):>7}"
                     + (" (late)" if "generator_limit" in run else ""))
    return "  ".join(words)


def _rise(value):
    return NOTHING if value is None else f"{significant(value['median'])} ×"


_RISES = [(name, short, part) for name, short in (("others_p50", "p50"), ("others_p99", "p99"))
          for part in ("elsewhere", "joins")]


def table(results):
    """Medians for a terminal of 80 columns."""
    lines = []
    for load in results["loads"]:
        shown = FIGURES[load["name"]][:5]
        lines += [terminal.bold(load["title"]), _line("", [figure.short for figure in shown])]
        for one in results["contenders"]:
            values = figures(results, load["name"], one["label"])
            lines.append(_line(one["label"], [show(values[figure.name] and values[figure.name]["median"],
                                                   figure.kind) for figure in shown]))
    lines += [terminal.bold("what the others wait, times that with nobody joining"),
              _line("", [f"{short} {PARTS[part].short}" for _, short, part in _RISES], 16)]
    lines += [_line(one["label"], [_rise(rise(results, part, one["label"], name))
                                   for name, _, part in _RISES], 16)
              for one in results["contenders"]]
    return "\n".join(lines)


def _line(name, cells, width=13):
    return f"  {name:<11}" + "".join(f"{cell:>{width}}" for cell in cells)


def _show(value, kind):
    """With the sign of a ratio, which units.show leaves to the table."""
    return show_spread(value, kind) + (" ×" if value is not None and kind == "ratio" else "")


def _limit(target):
    return _show({"median": target.limit, "count": 1}, target.figure.kind)


def _goal(target, value):
    """`1.62 GB/s (1.4–1.8), target 1.00 GB/s`, and that it is missed where it is."""
    if value is None:
        return NOTHING
    missed = "" if target.met(value["median"]) else ", **missed**"
    return f"{_show(value, target.figure.kind)}, target {_limit(target)}{missed}"


def goals(results):
    """What each server reaches of the targets."""
    rows = [[one["title"], *(_goal(target, value) for target, value in reached(results, one["label"])),
             _show(p99_rise(results, "elsewhere", one["label"]), "ratio"),
             *(_show(rise(results, part, one["label"], "others_p50"), "ratio")
               for part in ("joins", "elsewhere"))]
            for one in results["contenders"]]
    return markdown_table(["server", *(target.title for target in TARGETS), "p99, elsewhere over nobody",
                           "p50, here over nobody", "p50, elsewhere over nobody"], rows)


def part_table(results, part):
    """All figures of all servers in one part."""
    values = {one["title"]: figures(results, part, one["label"]) for one in results["contenders"]}
    shown = [figure for figure in FIGURES[part] if any(row[figure.name] for row in values.values())]
    return markdown_table(["", *(figure.title for figure in shown)],
                          [[title, *(show_spread(row[figure.name], figure.kind) for figure in shown)]
                           for title, row in values.items()])


def others_table(results):
    """The parts with a load, a server's side by side."""
    loads = [load for load in results["loads"] if PARTS[load["name"]].others]
    shown = FIGURES["joins"]
    rows = []
    for one in results["contenders"]:
        for load in loads:
            row = figures(results, load["name"], one["label"])
            rows.append([one["title"], PARTS[load["name"]].short,
                         *(show_spread(row[figure.name], figure.kind) for figure in shown)])
    return markdown_table(["", "who joins", *(figure.title for figure in shown)], rows)


def _missed(results, label):
    """The targets that a server misses, as lines."""
    return [f"- {target.title}: {_show(value, target.figure.kind)}, the target is at "
            f"{'least' if target.figure.higher_is_better else 'most'} {_limit(target)}"
            for target, value in reached(results, label) if value and not target.met(value["median"])]


def _losses(results):
    return report_sections.losses(
        {one["label"]: one["title"] for one in results["contenders"]}, losses(results),
        lambda loss: f"{PARTS[loss.load].title}, {loss.figure.title}",
        lambda label: _missed(results, label))


def warnings(results):
    """What makes the figures less trustworthy than they look."""
    lines = report_sections.warnings(results)
    runs = late(results)
    if runs:
        loaded = sum(PARTS[run["load"]].others for run in results["runs"] if run["problem"] is None)
        which = ", ".join(dict.fromkeys(f"{run['contender']} ({PARTS[run['load']].short})" for run in runs))
        lines.append(f"> ⚠ In {len(runs)} of {loaded} runs the load generator did not keep its schedule: "
                     f"{which}. The others' latencies there are its own too.")
    return lines


def text(results, charts):
    """The report; `charts` maps names to paths as the report must link them."""
    settings = results["settings"]
    messages, rooms = f"{settings['messages']:,}", f"{settings['rooms']:,}"
    violations = sum(run.get("violations", 0) for run in results["runs"])
    reading = READING.format(**settings["others"], cores=results["environment"]["cores"])
    parts = [f"# Long histories and many rooms, {results['started'][:10]}",
             f"{len(results['runs'])} runs, {settings['rounds']} round(s) of "
             f"{settings['duration_seconds']:g} s (with a load: after {settings['warm_up_seconds']:g} s of "
             f"warm-up), servers in turns, a fresh process each; medians, in brackets the range. "
             f"Histories of {messages} messages, {settings['history_bytes']:,} bytes. Violations in all "
             f"deliveries and in the histories examined: {violations}.",
             *warnings(results), *report_sections.failures(results),
             "## What is reached of the targets", goals(results),
             f"![Rates of joins, and the others' p99]({charts['headline']})",
             f"## Joining a room with {messages} messages", part_table(results, "alone"),
             "## The other members meanwhile", others_table(results),
             f"## Starting with {rooms} rooms", part_table(results, "start"),
             "## Where each one loses", *_losses(results), "## How to read this", reading,
             "## Machine and build", report_sections.machine(results), "## Commands",
              report_sections.commands(results)]
    return "\n\n".join(parts) + "\n"


def write(results, folder):
    """Draws the chart into `folder`, that of results.json, and writes the report beside it, as
    FOLDER.md; returns the report's path."""
    import history_chart  # here: it needs matplotlib, which the bootstrap may only just have installed

    history_chart.draw(results, folder / "headline.svg")
    path = folder.parent / f"{folder.name}.md"
    path.write_text(text(results, {"headline": f"{folder.name}/headline.svg"}))
    return path
