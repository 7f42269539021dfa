"""From single runs to medians with their range, and to a judgement on two contenders.

The unit of repetition is one server process. With a handful of rounds no rank test means much, so
the rule is the plainest that does not lie: a difference is clear where the ranges of all rounds do
not overlap, and the ratio is stated with its range over the rounds, in which contenders ran back
to back.
"""

from dataclasses import dataclass
from statistics import median

from figures import Figure
from spread import ROUNDS_FOR_VERDICT, spread


@dataclass(frozen=True)
class Metric(Figure):
    """A figure on which contenders are compared, under loads of these workloads."""

    workloads: tuple = ("thesis", "fanout")


METRICS = (
    Metric("messages_per_second", "messages sent and received back per second", "messages",
           "rate", True, ("thesis",)),
    Metric("deliveries_per_second", "deliveries per second", "deliveries", "rate", True),
    Metric("messages_per_cpu_second", "messages per server CPU-second", "per CPU-second",
           "count", True, ("thesis",)),
    Metric("deliveries_per_cpu_second", "deliveries per server CPU-second", "per CPU-second",
           "count", True, ("fanout",)),
    Metric("machine_cpu_per_delivery", "machine CPU per delivery", "machine CPU", "seconds",
           False),
    Metric("own_copy_p50", "own copy, p50", "own copy p50", "seconds", False),
    Metric("own_copy_p99", "own copy, p99", "own copy p99", "seconds", False),
    Metric("last_member_p50", "last member, p50", "last member p50", "seconds", False,
           ("fanout",)),
    Metric("last_member_p99", "last member, p99", "last member p99", "seconds", False,
           ("fanout",)),
    Metric("memory_peak", "server memory, peak", "memory peak", "bytes", False),
    Metric("system_calls_per_delivery", "system calls per delivery", "calls per delivery",
           "plain", False),
    Metric("sends_per_delivery", "sends per delivery", "sends per delivery", "plain", False),
)

PERCENTILES = (("p50_ns", "p50"), ("p90_ns", "p90"), ("p99_ns", "p99"), ("p999_ns", "p99.9"),
               ("max_ns", "max"))
VIOLATIONS = ("lost", "repeated", "reordered", "corrupt", "misdirected", "disagreed", "protocol")


def percentile(run, request, name):
    """Seconds; None where the run has no such figure or too few samples to support it."""
    latencies = run.get("loadgen", {}).get("latencies", {}).get(request, {})
    value = latencies.get(name)
    return None if value is None else value / 1e9


def _per_delivery(run, amount):
    """Over the message frames that the server handed to the kernel since its start."""
    deliveries = run.get("server_counters", {}).get("deliveries")
    return amount / deliveries if amount is not None and deliveries else None


def _messages_per_cpu_second(result, server):
    if not server.get("cpu_seconds"):
        return None
    messages = result["rates"]["achieved_messages_per_second"] * result["measured_seconds"]
    return messages / server["cpu_seconds"]


def loadgen_cores(run):
    """How much of its one core the load generator used in the measured window."""
    result = run.get("loadgen", {})
    if not result.get("measured_seconds") or "loadgen" not in result:
        return None
    return result["loadgen"]["cpu_seconds"] / result["measured_seconds"]


def figures(run):
    """Every figure of METRICS that one run has, by name; None for what it lacks."""
    result = run.get("loadgen", {})
    server = result.get("server") or {}
    rates = result.get("rates", {})
    counters = run.get("server_counters", {})
    values = {
        "messages_per_second": rates.get("achieved_messages_per_second"),
        "deliveries_per_second": rates.get("deliveries_per_second"),
        "messages_per_cpu_second": _messages_per_cpu_second(result, server),
        "deliveries_per_cpu_second": server.get("deliveries_per_cpu_second"),
        "machine_cpu_per_delivery": _per_delivery(run, run.get("machine_cpu_seconds")),
        "memory_peak": run.get("server_memory_peak_bytes"),
        "system_calls_per_delivery": _per_delivery(run, counters.get("system_calls")),
        "sends_per_delivery": _per_delivery(run, counters.get("sends")),
    }
    for request in ("own_copy", "last_member"):
        for key, title in (("p50_ns", "p50"), ("p99_ns", "p99")):
            values[f"{request}_{title}"] = percentile(run, request, key)
    return values


def summarise(results):
    """{load: {server: {metric: spread, "latencies": {request: {percentile: spread}}}}} of the runs
    that count: a run with a problem is shown, never averaged in."""
    summary = {}
    for load in results["loads"]:
        summary[load["name"]] = {
            server["label"]: _summarise_runs(good_runs(results, load["name"], server["label"]))
            for server in results["servers"]}
    return summary


def good_runs(results, load, server):
    """Runs of one contender under one load that ended well, in order of rounds."""
    return [run for run in results["runs"]
            if run["load"] == load and run["server"] == server and run["problem"] is None]


def _summarise_runs(runs):
    by_run = [figures(run) for run in runs]
    summary = {metric.name: spread([values[metric.name] for values in by_run])
               for metric in METRICS}
    summary["loadgen_cores"] = spread([loadgen_cores(run) for run in runs])
    requests = dict.fromkeys(name for run in runs for name in run["loadgen"]["latencies"])
    summary["latencies"] = {request: _summarise_request(runs, request) for request in requests}
    return summary


def _summarise_request(runs, request):
    percentiles = {key: spread([percentile(run, request, key) for run in runs])
                   for key, _ in PERCENTILES}
    counts = [run["loadgen"]["latencies"].get(request, {}).get("count") for run in runs]
    return percentiles | {"samples": spread(counts)}


@dataclass(frozen=True)
class Judgement:
    """How the two best contenders stand on one metric under one load."""

    load: str
    metric: Metric
    better: str
    worse: str
    ratio: dict  # spread of the factor by which `better` is ahead, of the medians and by round
    clear: bool


def _advantage(metric, better, worse):
    """By what factor `better` is ahead; None where a zero makes that meaningless."""
    above, below = (better, worse) if metric.higher_is_better else (worse, better)
    return above / below if above and below else None


def judge(results, load, metric):
    """The judgement; None where fewer than two contenders have the figure."""
    values = {}
    for server in results["servers"]:
        label = server["label"]
        by_round = {run["round"]: figures(run)[metric.name]
                    for run in good_runs(results, load["name"], label)}
        known = {number: value for number, value in by_round.items() if value is not None}
        if known:
            values[label] = known
    if len(values) < 2:
        return None
    ranked = sorted(values, key=lambda label: median(values[label].values()),
                    reverse=metric.higher_is_better)
    return _judge_pair(load, metric, ranked[0], values[ranked[0]], ranked[1], values[ranked[1]])


def _judge_pair(load, metric, better, better_values, worse, worse_values):
    ratio = _advantage(metric, median(better_values.values()), median(worse_values.values()))
    if ratio is None:
        return None
    shared = sorted(better_values.keys() & worse_values.keys())
    by_round = [_advantage(metric, better_values[number], worse_values[number])
                for number in shared]
    known = [value for value in by_round if value is not None] or [ratio]
    if metric.higher_is_better:
        apart = min(better_values.values()) > max(worse_values.values())
    else:
        apart = max(better_values.values()) < min(worse_values.values())
    rounds = min(len(better_values), len(worse_values))
    spread_of_ratio = {"median": ratio, "min": min(known), "max": max(known), "count": len(known)}
    return Judgement(load["name"], metric, better, worse, spread_of_ratio,
                     apart and rounds >= ROUNDS_FOR_VERDICT)


def judgements(results):
    """Every judgement of a comparison, by load and then by metric."""
    found = [judge(results, load, metric) for load in results["loads"] for metric in METRICS
             if load["workload"] in metric.workloads]
    return [judgement for judgement in found if judgement is not None]


def violations(results):
    """The sum of every kind of violation over all runs that have a result."""
    return {kind: sum(run["loadgen"]["violations"].get(kind, 0)
                      for run in results["runs"] if "loadgen" in run) for kind in VIOLATIONS}
