"""What bench/compare prints of results: the end of a run's line and a last table, within 80 columns."""

from compare_summary import METRICS, judgements, percentile, summarise
from compare_verdict import NO_DIFFERENCE, rounds_known
from spread import ROUNDS_FOR_VERDICT
from terminal import bold
from units import NOTHING, show, significant

WIDTH = 80
_NAME, _LAST = 20, 20


def run_words(run):
    """Throughput and latency of a run."""
    rate = run["loadgen"]["rates"]["deliveries_per_second"]
    p50, p99 = (show(percentile(run, "own_copy", name), "seconds") for name in ("p50_ns", "p99_ns"))
    return f"{show(rate, 'rate'):>9}  p50 {p50:>7}  p99 {p99:>7}"


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
