"""What bench/compare prints: a line for each run and a last table, both within 80 columns."""

import os
import sys

from compare_summary import METRICS, ROUNDS_FOR_VERDICT, judgements, percentile, summarise
from units import NOTHING, show, significant
from compare_verdict import NO_DIFFERENCE, rounds_known

WIDTH = 80
_NAME, _LAST = 20, 20


def _painted(text, code):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def red(text):
    """Red on a terminal that may be coloured."""
    return _painted(text, "31")


def bold(text):
    """Bold on a terminal that may be."""
    return _painted(text, "1")


def say(text="", end="\n"):
    """Prints at once, also where the output is a pipe."""
    print(text, end=end, flush=True)


def run_start(position, count, number, load, server):
    """The left half of a run's line, printed while it runs."""
    width = len(str(count))
    say(f"[{position:{width}}/{count}] round {number}  {load.name:<10}  {server.label:<11} ",
        end="")


def run_end(run):
    """The right half: throughput and latency, or what went wrong."""
    if run["problem"] is not None:
        say(red("FAILED"))
        for line in run["problem"].splitlines():
            say(red(f"    {line}"))
        return
    rate = run["loadgen"]["rates"]["deliveries_per_second"]
    p50, p99 = (show(percentile(run, "own_copy", name), "seconds") for name in ("p50_ns", "p99_ns"))
    say(f"{show(rate, 'rate'):>9}  p50 {p50:>7}  p99 {p99:>7}")


def _difference(judgement, few):
    if judgement is None:
        return NOTHING
    if not judgement.clear and not few:
        return NO_DIFFERENCE
    return f"{judgement.better} {significant(judgement.ratio['median'])} ×"


def table(results):
    """Medians side by side; lines of at most 80 columns for up to three servers."""
    servers = results["servers"]
    summary = summarise(results)
    judged = {(judgement.load, judgement.metric.name): judgement
              for judgement in judgements(results)}
    few = rounds_known(results) < ROUNDS_FOR_VERDICT
    column = (WIDTH - _NAME - _LAST) // len(servers)
    head = " " * _NAME + "".join(f"{server['label']:>{column}}" for server in servers)
    lines = [head + f"{'ahead':>{_LAST}}"]
    for load in results["loads"]:
        rows = []
        for metric in METRICS:
            spreads = [summary[load["name"]][server["label"]][metric.name] for server in servers]
            if load["workload"] not in metric.workloads or not any(spreads):
                continue
            cells = "".join(f"{show(one['median'] if one else None, metric.kind):>{column}}"
                            for one in spreads)
            ahead = _difference(judged.get((load["name"], metric.name)), few)
            rows.append(f"  {metric.short:<{_NAME - 2}}{cells}{ahead:>{_LAST}}")
        if rows:
            lines += [bold(load["title"]), *rows]
    return "\n".join(lines)
