#!/usr/bin/python3
"""Writes a comparison's report and charts from its results.json, and from nothing else: the same
results give the same bytes.

    bench/report.py docs/reports/2026-11-21-compare/results.json
"""

import json
import sys
from pathlib import Path

import verdict
from summary import (METRICS, PERCENTILES, VIOLATIONS, judgements, problems, spread, summarise,
                     violations)
from units import NOTHING, show, show_spread

# Above this share of the machine, programs that are no part of the run have disturbed it.
DISTURBED_SHARE = 0.10

REQUESTS = {
    "set_name": "set_name → its answer",
    "create_chat": "create_chat → list with the room",
    "connect_chat": "connect_chat → its answer",
    "leave_chat": "leave_chat → the list",
    "own_copy": "send_message → own copy",
    "first_member": "send_message → first member",
    "median_member": "send_message → median member",
    "last_member": "send_message → last member",
}

READING = """\
- **Closed loop.** A client of `thesis` sends its next message when the last one has come back, and
  a publisher of `fanout` keeps a fixed number outstanding. A server that stalls is then asked less,
  so the tail of these latencies is kinder than users would find it, and a faster server is given
  more work: its rooms grow longer, and everyone who joins reads that history, which counts as
  deliveries too.
- **One machine.** The load generator shares the cores with the server, over loopback. Deliveries
  per second and latencies belong to both together; what a server itself costs is in the figures
  per server CPU-second.
- **A round** is a fresh server process on a fresh data folder, and contenders take turns within
  it, in reverse order in every second round. Tables show the median of the rounds and, in brackets, their
  lowest and highest value. A difference is called clear where the ranges of all rounds do not
  overlap; a ratio's brackets hold the ratios of the single rounds.
- **Counters** (system calls, sends) are the server's own since its start, over the message frames
  it handed to the kernel; the system calls are those of network I/O.
- A percentile stands here only where the samples carry it: at least 10 beyond it.
"""


def _table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def _picture(charts, name, text):
    return [f"![{text}]({charts[name]})"] if name in charts else []


def _name(results):
    titles = [server["title"] for server in results["servers"]]
    return " and ".join(titles) if len(titles) < 3 else ", ".join(titles)


def _head(results):
    settings = results["settings"]
    quick = " (quick)" if results["quick"] else ""
    lines = [f"# Comparison of {results['started'][:10]}{quick}: {_name(results)}"]
    commit = f"`{results['commit']}`" + (" **with uncommitted changes**" if results["dirty"] else "")
    lines.append(f"Commit {commit}; {len(results['runs'])} runs, {settings['rounds']} round(s) of "
                 f"{settings['duration_seconds']:g} s after {settings['warm_up_seconds']:g} s of "
                 f"warm-up; {results['environment']['cores']} cores, Linux "
                 f"{results['environment']['kernel']}.")
    if results["quick"]:
        lines.append("> **Quick run**: it shows that everything works and what to expect. It is too "
                     "short to decide anything; run `bench/compare` for that.")
    if results["interrupted"]:
        lines.append("> 🔴 **Interrupted**: only a part of the runs took place.")
    return lines + _alarms(results)


def _alarms(results):
    """Red lines: runs that failed, deliveries that went wrong; and a warning of disturbed ones."""
    lines = []
    failed = problems(results)
    if failed:
        lines.append(f"> 🔴 **{len(failed)} of {len(results['runs'])} runs failed**; they are listed "
                     "under Verification and are in no figure below.")
    wrong = sum(violations(results).values())
    if wrong:
        lines.append(f"> 🔴 **Verification failed: {wrong} deliveries went wrong.** No figure of this "
                     "report should be relied on.")
    others = spread([run.get("other_cpu_share") for run in results["runs"]])
    if others and others["median"] > DISTURBED_SHARE:
        lines.append(f"> ⚠ Other programs took {others['median']:.0%} of the machine while this ran "
                     f"(up to {others['max']:.0%}): expect more spread than a quiet machine shows.")
    return lines


def _headline(results, summary):
    """Every figure under every load, contenders side by side."""
    judged = {(judgement.load, judgement.metric.name): judgement
              for judgement in judgements(results)}
    rows = []
    for load in results["loads"]:
        title = f"**{load['title']}**"
        for metric in METRICS:
            spreads = [summary[load["name"]][server["label"]][metric.name]
                       for server in results["servers"]]
            if load["workload"] not in metric.workloads or not any(spreads):
                continue
            judgement = judged.get((load["name"], metric.name))
            difference = verdict.difference_text(results, judgement) if judgement else NOTHING
            rows.append([title, metric.title,
                         *(show_spread(one, metric.kind) for one in spreads), difference])
            title = ""
    header = ["load", "figure", *(server["title"] for server in results["servers"]), "ahead"]
    return _table(header, rows)


def _replayed(results):
    """How much of the deliveries was history that members read on joining."""
    parts = []
    for load in results["loads"]:
        shares = spread([run["loadgen"]["counts"]["replayed"] / run["loadgen"]["counts"]["deliveries"]
                         for run in results["runs"] if run["load"] == load["name"]
                         and run["problem"] is None and run["loadgen"]["counts"]["deliveries"]])
        if shares:
            parts.append(f"{load['title']} {shares['median']:.0%}")
    return "Of the deliveries, this share was history, read on joining a room: " + \
        ("; ".join(parts) or NOTHING) + "."


def _latency(results, summary):
    """One table of percentiles for each load."""
    header = ["request", "server", "samples", *(title for _, title in PERCENTILES)]
    parts = []
    for load in results["loads"]:
        rows = []
        for request, words in REQUESTS.items():
            for server in results["servers"]:
                spreads = summary[load["name"]][server["label"]]["latencies"].get(request)
                if spreads is not None:
                    rows.append([words, server["title"], show(spreads["samples"]["median"], "count"),
                                 *(show_spread(spreads[key], "seconds") for key, _ in PERCENTILES)])
        parts += [f"### {load['title'].capitalize()}", _table(header, rows)]
    return parts


def _losses(results):
    parts = []
    for label, lost in verdict.losses(results).items():
        parts.append(f"**{verdict.title_of(results, label)}**")
        rows = [f"- {judgement.metric.title}, {verdict.load_title(results, judgement.load)}: "
                f"{verdict.title_of(results, judgement.better)} is ahead by "
                f"{verdict.ratio_text(judgement)}" for judgement in lost]
        parts.append("\n".join(rows) or "- no clear loss under these loads")
    return parts


def _verification(results):
    counted = [run["loadgen"] for run in results["runs"] if "loadgen" in run]
    deliveries = sum(result["counts"]["deliveries"] for result in counted)
    found = violations(results)
    verdict_text = ("no violation" if not any(found.values()) else
                    "🔴 **" + ", ".join(f"{count} {kind}" for kind, count in found.items() if count) + "**")
    parts = [f"Every payload carries its sender, a counter and a checksum. Of "
             f"{show(deliveries, 'count')} deliveries in {len(counted)} runs: {verdict_text}.",
             _table(list(VIOLATIONS), [[str(found[kind]) for kind in VIOLATIONS]])]
    failed = problems(results)
    if failed:
        rows = [[str(run["round"]), verdict.load_title(results, run["load"]),
                 verdict.title_of(results, run["server"]),
                 "🔴 " + run["problem"].replace("|", "\\|").replace("\n", "<br>")] for run in failed]
        parts.append(_table(["round", "load", "server", "what happened"], rows))
    return parts


def _agreement(results):
    """How well Prometheus' rates agree with what the load generator counted itself."""
    errors = []
    for run in results["runs"]:
        start = results["settings"]["warm_up_seconds"] + 3
        seen = [value for when, value in run.get("series", {}).get("deliveries", []) if when >= start]
        own = run.get("loadgen", {}).get("rates", {}).get("deliveries_per_second")
        if seen and own and run["problem"] is None:
            errors.append(abs(sum(seen) / len(seen) / own - 1))
    found = spread(errors)
    if found is None:
        return []
    return [f"As a check on both: the mean of Prometheus' delivery rates differs from the load "
            f"generator's own count by {found['median']:.1%} in the median run, "
            f"{found['max']:.1%} at most."]


def _over_time(results, charts):
    if "cpu" not in charts:
        return ["Without Prometheus (`--no-prometheus`) there are no curves and no heatmaps."]
    parts = ["One curve for each round, read back from Prometheus: "
             "`rate(ringside_process_cpu_seconds_total[3s])`, `ringside_process_resident_bytes` and "
             "`rate(ringside_load_deliveries_total[3s])`, scraped once a second. The warm-up is "
             "shaded.", "### Server CPU", *_picture(charts, "cpu", "Server CPU over time"),
             "### Server memory", *_picture(charts, "memory", "Server memory over time"),
             "### Deliveries", *_picture(charts, "deliveries", "Deliveries over time")]
    return parts + _agreement(results)


def _heatmaps(results, charts):
    if not any(name.startswith("heatmap-") for name in charts):
        return []
    parts = ["## Latency over time", "Own copies per second in each latency bucket, from "
             '`increase(ringside_load_latency_seconds_bucket{request="own_copy"}[2s])`: time '
             "goes across, round after round, latency goes up in 1-2-5 steps."]
    for load in results["loads"]:
        name = f"heatmap-{load['name']}"
        if name in charts:
            parts += [f"### {load['title'].capitalize()}",
                      *_picture(charts, name, f"Latency heatmap, {load['title']}")]
    return parts


def _machine(results):
    environment = results["environment"]
    others = spread([run.get("other_cpu_share") for run in results["runs"]])
    steal = spread([run.get("steal_share") for run in results["runs"]])
    rows = [
        ["system", f"{environment['distribution']}, Linux {environment['kernel']}"],
        ["processor", f"{environment['cpu']}, {environment['cores']} cores, "
                      f"{show(environment['memory_bytes'], 'bytes')} of memory"],
        ["virtualisation", f"{environment['virtualisation']}; frequency governor: "
                           f"{environment['governor']}"],
        ["mitigations", "; ".join(f"{name}: {words}" for name, words
                                  in environment["mitigations"].items()) or "none needed"],
        ["load before the start", f"{environment['load_average']:.2f}"],
        ["other programs meanwhile", f"{others['median']:.1%} of the machine, at most "
                                     f"{others['max']:.1%}, monitoring included"
                                     if others else NOTHING],
        ["stolen by the host", f"{steal['median']:.1%}, at most {steal['max']:.1%}"
                               if steal else NOTHING],
        ["build", ", ".join(f"{name}={value}" for name, value in results["build"].items())],
        ["monitoring", "; ".join(results["monitoring"]) or "none"],
        *([program, "<br>".join(words.splitlines())]
          for program, words in results["versions"].items()),
    ]
    return _table(["", ""], rows)


def _commands(results):
    shown, lines = set(), []
    for run in results["runs"]:
        for key, kind in (("server_command", run["server"]),
                          ("load_command", (run["load"], run["server"]))):
            if key in run and kind not in shown and (key == "server_command" or
                                                     run["server"] == results["servers"][0]["label"]):
                shown.add(kind)
                lines.append(" ".join(run[key]))
    return ["The whole comparison:",
            f"```\ngit checkout {results['commit']}\n{results['command']}\n```",
            "What it ran, once for each server and load (`$WORK` is a temporary folder):",
            "```\n" + "\n".join(lines) + "\n```",
            "The report again from its results: "
            f"`bench/report.py docs/reports/{results['name']}/results.json`"]


def text(results, charts):
    """The report; `charts` maps names to paths as the report must link them."""
    summary = summarise(results)
    parts = [*_head(results), "## Verdict", verdict.paragraph(results),
             "## Who is ahead in what", _headline(results, summary), _replayed(results),
             *_picture(charts, "throughput", "Deliveries per second and per server CPU-second"),
             "## Where each one loses", *_losses(results),
             "## Verification", *_verification(results),
             "## Latency", *_picture(charts, "percentiles", "Latency by percentile"),
             *_latency(results, summary),
             *_heatmaps(results, charts),
             "## CPU, memory and deliveries over time", *_over_time(results, charts),
             "## How to read this", READING.rstrip(),
             "## Machine and build", _machine(results),
             "## Commands", *_commands(results)]
    return "\n\n".join(parts) + "\n"


def write(results, folder):
    """Writes NAME.md beside the folder NAME, which gets the charts; returns the report's path."""
    import charts  # here, so that reading and judging results needs no matplotlib

    charts_folder = Path(folder) / results["name"]
    charts_folder.mkdir(parents=True, exist_ok=True)
    for old in charts_folder.glob("*.svg"):
        old.unlink()
    files = charts.draw(results, charts_folder)
    path = Path(folder) / f"{results['name']}.md"
    path.write_text(text(results, {name: f"{results['name']}/{file}"
                                   for name, file in files.items()}))
    return path


def load(path):
    """Reads results.json; ValueError where it is another format."""
    results = json.loads(Path(path).read_text())
    if results.get("schema_version") != 1 or results.get("program") != "bench/compare":
        raise ValueError(f"{path} holds no results of bench/compare in schema version 1")
    return results


def main():
    """Renders again; exit 2 where the argument is no results.json."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if "-h" in sys.argv or "--help" in sys.argv else 2
    try:
        results = load(sys.argv[1])
    except (OSError, ValueError) as error:
        print(f"bench/report.py: {error}", file=sys.stderr)
        return 2
    print(write(results, Path(sys.argv[1]).resolve().parent.parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
