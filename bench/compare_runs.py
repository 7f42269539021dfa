"""Single runs of bench/compare: a fresh server on a fresh data folder, one load, and what they left
behind.

The load generator's numbers come from its JSON, the server's counters
from its textfile after the load has ended, the curves from Prometheus.
"""

import re
import time
from pathlib import Path

import load_generator
import runs
from accounting import OtherPrograms
from child import ChildError, exit_text, wait_until
from contenders import METRICS_INTERVAL, serving
from exposition import parse, total

# The servers' default, named so that it stands in the report.
FSYNC = "interval:1000"

# Windows of at least two scrapes.
CPU_SECONDS = 3
LOAD_SECONDS = 2

CPU_QUERY = 'rate(ringside_process_cpu_seconds_total{{server="{server}",workload=""}}[{window}s])'
MEMORY_QUERY = 'ringside_process_resident_bytes{{server="{server}",workload=""}}'
DELIVERIES_QUERY = 'rate(ringside_load_deliveries_total{{server="{server}"}}[{window}s])'
HEATMAP_QUERY = ('increase(ringside_load_latency_seconds_bucket{{server="{server}",'
                 'request="own_copy"}}[{window}s]) / {window}')

SERVER_COUNTERS = ("messages_in", "deliveries", "sends", "ring_enters", "completions",
                   "system_calls", "wakes", "appends", "appended_bytes", "catch_up_reads")


def _peak_memory(pid):
    """The most resident memory that a process ever had, in bytes; None where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


class Runner(runs.Runner):
    """Runs of the servers; they and the load generator write their metrics to `textfiles`, which
    `monitoring`, if there is one, reads."""

    def __init__(self, build, work, settings, textfiles, monitoring=None):
        super().__init__(build, work, settings)
        self._textfiles = Path(textfiles)
        self._monitoring = monitoring
        self._ended = {}  # when each server's last process ended, its textfile with it

    def take(self, number, load, server):
        """`number` is the round; it is the seed too, so that contenders get the same load."""
        run = {"round": number, "load": load.name, "server": server.label}
        return self._attempt(run, self._serve, load, server)

    def _serve(self, run, load, server):
        command = [self._build / server.program, *server.arguments, "--listen=127.0.0.1:0",
                   f"--port-file={self._folder / 'port'}", f"--data={self._folder / 'data'}",
                   f"--metrics-textfile={self._textfiles / 'server.prom'}",
                   f"--fsync={FSYNC}", f"--metrics-interval={METRICS_INTERVAL}"]
        run["server_command"] = [str(word) for word in command]
        try:
            with serving(command, self._folder) as (process, port):
                self._load(run, load, server, process, port)
        finally:
            self._ended[server.label] = time.time()

    def _load(self, run, load, server, process, port):
        others = OtherPrograms(process.pid)
        started = time.time()
        generator = load_generator.start(
            self._build, self._folder, self._settings, [load.workload, *load.arguments],
            server=process, port=port, label=server.label,
            further=[load_generator.warm_up(self._settings), f"--seed={run['round']}",
                     f"--metrics-textfile={self._textfiles / 'loadgen.prom'}",
                     f"--metrics-interval={METRICS_INTERVAL}"])
        run["load_command"] = generator.arguments
        try:
            code = self._watch(generator, process)
        finally:
            generator.kill()
        ended = time.time()
        self._read_result(run, generator, code)
        if process.exit_code() is None:
            run |= others.shares()
            run["server_memory_peak_bytes"] = _peak_memory(process.pid)
            run["server_counters"] = self._server_counters(ended)
        if self._monitoring is not None:
            run["series"] = self._series(server, started, ended)

    def _watch(self, generator, process):
        """Waits for the end of the load; ends it where the server died."""
        wait_until(lambda: generator.exit_code() is not None or process.exit_code() is not None,
                   load_generator.seconds_max(self._settings), "the load generator's end")
        if generator.exit_code() is None:
            raise ChildError("the load was cut short")
        return generator.exit_code()

    def _read_result(self, run, generator, code):
        result = load_generator.result(self._folder)
        if result is not None:
            run["loadgen"] = without_buckets(result)
        if code == load_generator.INVALID_RUN:
            run["problem"] = load_generator.why_invalid(result)
        elif code != 0:
            run["problem"] = f"loadgen ended with {exit_text(code)}: {generator.last_lines()}"
        elif result is None:
            run["problem"] = "loadgen wrote no result"

    def _server_counters(self, ended):
        """The server's counters since its start, from a textfile written after the load ended."""
        path = self._textfiles / "server.prom"
        wait_until(lambda: path.exists() and path.stat().st_mtime > ended, 5.0,
                   f"the server to write {path.name}")
        samples, _, _ = parse(path.read_text())
        return {name: total(samples, f"ringside_{name}_total") for name in SERVER_COUNTERS}

    def _series(self, server, started, ended):
        """Curves as [seconds since the load began, value], read back from Prometheus. A window
        must not reach back into this server's run before, whose series have the same names."""
        before = self._ended.get(server.label, 0.0)
        measured = started + self._settings["warm_up_seconds"]

        def ranges(query, start, window):
            start = max(start, before + window)
            if start > ended:  # too short a run for this window
                return []
            return self._monitoring.query_range(query.format(server=server.label, window=window),
                                                start, ended)

        def curve(query, start, window):
            found = ranges(query, start, window)
            points = found[0][1] if found else []
            return [[round(when - started, 3), value] for when, value in points]

        buckets = [(float(labels["le"]), dict(points)) for labels, points
                   in ranges(HEATMAP_QUERY, measured + 1, LOAD_SECONDS)]
        return {"cpu": curve(CPU_QUERY, started + 1, CPU_SECONDS),
                "memory": curve(MEMORY_QUERY, started + 1, 1),
                "deliveries": curve(DELIVERIES_QUERY, started + LOAD_SECONDS, LOAD_SECONDS),
                "heatmap": take_apart(buckets, started)}


def without_buckets(result):
    """A result of the load generator, a few KiB: the buckets of its histograms, of which nothing here
    is made, are tens of times that."""
    for latency in result["latencies"].values():
        latency.pop("buckets", None)
    return result


def take_apart(cumulative, started):
    """Turns [(bound, {time: value at or below the bound})] into bounds, times and a row of
    differences for each bound; an infinite bound is written as None, which JSON has a word for."""
    cumulative = sorted(cumulative, key=lambda entry: entry[0])
    times = sorted({when for _, points in cumulative for when in points})
    rows, below = [], dict.fromkeys(times, 0.0)
    for _, points in cumulative:
        here = {when: points.get(when, below[when]) for when in times}
        rows.append([round(max(0.0, here[when] - below[when]), 3) for when in times])
        below = here
    return {"bounds": [None if bound == float("inf") else bound for bound, _ in cumulative],
            "times": [round(when - started, 3) for when in times], "rows": rows}
