"""The parts of a report, each a list of Markdown blocks made from results.json. The only sentences
that are written out here say what a figure is; what follows from figures is in compare_verdict.py."""

import compare_verdict as verdict
import report_sections
from compare_runs import LOAD_SECONDS
from compare_summary import METRICS, PERCENTILES, VIOLATIONS, judgements, summarise, violations
from markdown import table
from results_file import problems
from spread import spread
from units import NOTHING, show, show_spread

# Above this share of the machine, programs that are no part of the run have disturbed it.
DISTURBED_SHARE = 0.10
# The load generator has one thread; above this it had no time left.
GENERATOR_BUSY_CORES = 0.95

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
  it, in reverse order in every second round. Tables show the median of the rounds and, in
  brackets, their lowest and highest value. A difference is called clear where there are five rounds or more and
  their ranges do not overlap; a ratio's brackets hold the ratios of the single rounds. The ranges
  of two equal servers lie apart by chance in 2 of 252 figures after five rounds (0.8 %), in 2 of
  20 after three (10 %), which is why three decide nothing.
- **CPU-seconds** of the server are its process's user and system time. On loopback a part of the
  work of TCP is done in interrupts; a kernel with CONFIG_IRQ_TIME_ACCOUNTING charges that to nobody.
  "Machine CPU per delivery" has everything: server, load generator and other programs.
- **Messages** of `thesis` are counted when their senders got them back; most deliveries there are
  history, replayed on joining a room.
- **Counters** (system calls, sends) are the server's own since its start, over the message frames
  it handed to the kernel; the system calls are those of network I/O.
- A percentile stands here only where the samples carry it: at least 10 beyond it.
"""


def picture(charts, name, text):
    return [f"![{text}]({charts[name]})"] if name in charts else []


def _name(results):
    titles = [server["title"] for server in results["servers"]]
    return " and ".join(titles) if len(titles) < 3 else ", ".join(titles)


def head(results):
    settings = results["settings"]
    quick = " (quick)" if results["quick"] else ""
    lines = [f"# Comparison of {results['started'][:10]}{quick}: {_name(results)}"]
    dirty = " **with uncommitted changes**" if results["dirty"] else ""
    commit = f"`{results['commit']}`{dirty}"
    lines.append(f"Commit {commit}; {len(results['runs'])} runs, {settings['rounds']} round(s) of "
                 f"{settings['duration_seconds']:g} s after {settings['warm_up_seconds']:g} s of "
                 f"warm-up; {results['environment']['cores']} cores, Linux "
                 f"{results['environment']['kernel']}.")
    if results["quick"]:
        lines.append("> **Quick run**: it shows that everything works and what to expect. It is "
                     "too short to decide anything; run `bench/compare` for that.")
    if results["interrupted"]:
        lines.append("> 🔴 **Interrupted**: only a part of the runs took place.")
    return lines + _alarms(results)


def _alarms(results):
    """Red lines: runs that failed, deliveries that went wrong; and a warning of disturbed ones."""
    lines = []
    failed = problems(results)
    if failed:
        lines.append(f"> 🔴 **{len(failed)} of {len(results['runs'])} runs failed**; they are "
                     "listed under Verification and are in no figure below.")
    wrong = sum(violations(results).values())
    if wrong:
        lines.append(f"> 🔴 **Verification failed: {wrong} deliveries went wrong.** No figure of "
                     "this report should be relied on.")
    lines += _generator_alarms(results)
    others = spread([run.get("other_cpu_share") for run in results["runs"]])
    if others and others["median"] > DISTURBED_SHARE:
        lines.append(f"> ⚠ Other programs took {others['median']:.0%} of the machine while this "
                     f"ran (up to {others['max']:.0%}): expect more spread than a quiet machine shows.")
    return lines


def _generator_alarms(results):
    """Where the load generator's one thread was busy all the time, its own pace is in the figures."""
    lines = []
    for name, servers in summarise(results).items():
        for label, figures in servers.items():
            cores = figures["loadgen_cores"]
            if cores and cores["median"] > GENERATOR_BUSY_CORES:
                lines.append(
                    f"> ⚠ **The load generator was the limit** of {verdict.title_of(results, label)} "
                    f"under {verdict.load_title(results, name)} ({cores['median']:.2f} of its one "
                    "core): rates and latencies there are its own; compare CPU-seconds.")
    return lines


def headline(results, summary):
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
        cores = [summary[load["name"]][server["label"]]["loadgen_cores"]
                 for server in results["servers"]]
        if any(cores):
            rows.append([title, "load generator, cores",
                         *(show_spread(one, "plain") for one in cores), NOTHING])
    header = ["load", "figure", *(server["title"] for server in results["servers"]), "ahead"]
    return table(header, rows)


def replayed(results):
    """How much of the deliveries was history that members read on joining."""
    parts = []
    for load in results["loads"]:
        counts = [run["loadgen"]["counts"] for run in results["runs"]
                  if run["load"] == load["name"] and run["problem"] is None]
        shares = spread([count["replayed"] / count["deliveries"] for count in counts
                         if count["deliveries"]])
        if shares:
            parts.append(f"{load['title']} {shares['median']:.0%}")
    return "Of the deliveries, this share was history, read on joining a room: " + \
        ("; ".join(parts) or NOTHING) + "."


def latency(results, summary):
    """One table of percentiles for each load."""
    header = ["request", "server", "samples", *(title for _, title in PERCENTILES)]
    parts = []
    for load in results["loads"]:
        rows = []
        for request, words in REQUESTS.items():
            for server in results["servers"]:
                spreads = summary[load["name"]][server["label"]]["latencies"].get(request)
                if spreads is not None:
                    rows.append([words, server["title"],
                                 show(spreads["samples"]["median"], "count"),
                                 *(show_spread(spreads[key], "seconds") for key, _ in PERCENTILES)])
        parts += [f"### {load['title'].capitalize()}", table(header, rows)]
    return parts


def losses(results):
    parts = []
    for label, lost in verdict.losses(results).items():
        parts.append(f"**{verdict.title_of(results, label)}**")
        rows = [f"- {judgement.metric.title}, {verdict.load_title(results, judgement.load)}: "
                f"{verdict.title_of(results, judgement.better)} is ahead by "
                f"{verdict.ratio_text(judgement)}" for judgement in lost]
        parts.append("\n".join(rows) or "- no clear loss under these loads")
    return parts


def verification(results):
    counted = [run["loadgen"] for run in results["runs"] if "loadgen" in run]
    deliveries = sum(result["counts"]["deliveries"] for result in counted)
    found = violations(results)
    wrong = ", ".join(f"{count} {kind}" for kind, count in found.items() if count)
    outcome = f"🔴 **{wrong}**" if wrong else "no violation"
    parts = [f"Every payload carries its sender, a counter and a checksum. Of "
             f"{show(deliveries, 'count')} deliveries in {len(counted)} runs: {outcome}.",
             table(list(VIOLATIONS), [[str(found[kind]) for kind in VIOLATIONS]])]
    failed = problems(results)
    if failed:
        rows = [[str(run["round"]), verdict.load_title(results, run["load"]),
                 verdict.title_of(results, run["server"]),
                 "🔴 " + run["problem"].replace("|", "\\|").replace("\n", "<br>")] for run in failed]
        parts.append(table(["round", "load", "server", "what happened"], rows))
    return parts


def _agreement(results):
    """How well Prometheus' rates agree with what the load generator counted itself."""
    errors = []
    begin = results["settings"]["warm_up_seconds"]  # of the measured window
    end = begin + results["settings"]["duration_seconds"]
    for run in results["runs"]:
        seen = [value for when, value in run.get("series", {}).get("deliveries", [])
                if begin + LOAD_SECONDS <= when <= end]
        own = run.get("loadgen", {}).get("rates", {}).get("deliveries_per_second")
        if seen and own and run["problem"] is None:
            errors.append(abs(sum(seen) / len(seen) / own - 1))
    found = spread(errors)
    if found is None:
        return []
    return [f"As a check on both: the mean of Prometheus' delivery rates in the measured window differs from the load "
            f"generator's own count by {found['median']:.1%} in the median run, "
            f"{found['max']:.1%} at most."]


def over_time(results, charts):
    if "cpu" not in charts:
        return ["Without Prometheus (`--no-prometheus`) there are no curves and no heatmaps."]
    parts = ["One curve for each round, read back from Prometheus: "
             "`rate(ringside_process_cpu_seconds_total[3s])`, `ringside_process_resident_bytes` "
             "and `rate(ringside_load_deliveries_total[2s])`, scraped once a second. The warm-up is "
             "shaded.",
             "### Server CPU", *picture(charts, "cpu", "Server CPU over time"),
             "### Server memory", *picture(charts, "memory", "Server memory over time"),
             "### Deliveries", *picture(charts, "deliveries", "Deliveries over time")]
    return parts + _agreement(results)


def heatmaps(results, charts):
    if not any(name.startswith("heatmap-") for name in charts):
        return []
    parts = ["## Latency over time", "Own copies per second in each latency bucket, from "
             '`increase(ringside_load_latency_seconds_bucket{request="own_copy"}[2s])`: time '
             "goes across, round after round, latency goes up in 1-2-5 steps."]
    for load in results["loads"]:
        name = f"heatmap-{load['name']}"
        if name in charts:
            parts += [f"### {load['title'].capitalize()}",
                      *picture(charts, name, f"Latency heatmap, {load['title']}")]
    return parts


def machine(results):
    environment = results["environment"]
    others = spread([run.get("other_cpu_share") for run in results["runs"]])
    steal = spread([run.get("steal_share") for run in results["runs"]])
    rows = [
        ["system", f"{environment['distribution']}, Linux {environment['kernel']}"],
        ["processor", f"{environment['cpu']}, {environment['cores']} cores, "
                      f"{show(environment['memory_bytes'], 'bytes')} of memory"],
        ["virtualisation", f"{environment['virtualisation']}; frequency governor: "
                           f"{environment['governor']}"],
        ["mitigations", report_sections.mitigations(environment)],
        report_sections.system_call(environment),
        ["histories", f"on {environment.get('work_file_system', 'unknown')}, "
                      f"--fsync={results['settings'].get('fsync', 'unknown')}"],
        ["CPU time of interrupts apart (CONFIG_IRQ_TIME_ACCOUNTING)",
         environment.get("irq_time_accounting", "unknown")],
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
    return table(["", ""], rows)


def commands(results):
    shown = {}  # the first command of each server, and of each load whatever the server
    for run in results["runs"]:
        for key, kind in (("server_command", run["server"]), ("load_command", run["load"])):
            if key in run:
                shown.setdefault(kind, " ".join(run[key]))
    return ["The whole comparison:",
            f"```\ngit checkout {results['commit']}\n{results['command']}\n```",
            "What it ran, once for each server and load (`$WORK` is a temporary folder):",
            "```\n" + "\n".join(shown.values()) + "\n```",
            "The report again from its results: "
            f"`bench/report.py {results.get('reports', 'docs/reports')}/{results['name']}/results.json`"]
