"""Single runs of bench/fanout: a fresh process of one contender, one load, what came of it.

System calls are counted by the kernel (perf's raw_syscalls:sys_enter) in a run of its own, since
counting costs every call some time.
"""

import os
import signal
import subprocess
from pathlib import Path

import load_generator
import runs
from accounting import OtherPrograms
from child import Child, ChildError, exit_text, wait_until
from contenders import running
from exposition import parse, total

_EVENT = "raw_syscalls:sys_enter"


def can_count_calls():
    """Whether perf may count system calls here: it may be missing, or forbidden."""
    try:
        tried = subprocess.run(["perf", "stat", "-e", _EVENT, "true"], capture_output=True,
                               timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def _counted_calls(output):
    """The number in perf's CSV; ChildError where there is none."""
    for line in output.read_text().splitlines():
        if _EVENT in line and line.split(",", 1)[0].isdigit():
            return int(line.split(",", 1)[0])
    raise ChildError(f"perf counted no system calls: {output.read_text().strip()}")


def _sleeps(pid):
    """Whether a process has opened perf events and sleeps."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        opened = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    return state == "S" and any("perf_event" in name for name in opened)


class Runner(runs.Runner):
    """Runs of every contender under the loads of bench/fanout."""

    def take(self, number, load, contender):
        """A run for its figures. `number` is the round, and the load's seed."""
        return self._take(number, load, contender, self._measure)

    def count(self, number, load, contender):
        """A run for the system calls per delivery alone."""
        return self._take(number, load, contender, self._count)

    def _take(self, number, load, contender, measure):
        run = {"round": number, "load": load.name, "contender": contender.label, "figures": {}}
        if contender.protocol is None:
            return self._attempt(run, self._floor, load, contender)
        return self._attempt(run, self._serve, load, contender, measure)

    def _serve(self, run, load, contender, measure):
        with running(contender, self._build, self._folder) as (server, port):
            run["server_command"] = server.arguments
            run["figures"] = measure(run, load, contender, server, port)

    def _result(self, run, program):
        """The JSON of a program that measures; ChildError where it did not end well."""
        try:
            code = program.wait(load_generator.seconds_max(self._settings))
        finally:
            program.kill()
        result = load_generator.result(self._folder)
        if result is not None and "violations" in result:
            run["violations"] = sum(result["violations"].values())
        if code == load_generator.INVALID_RUN:
            raise ChildError(load_generator.why_invalid(result))
        if code != 0 or result is None:
            raise ChildError(f"{Path(program.arguments[0]).name} ended with {exit_text(code)}: "
                             f"{program.last_lines()}")
        return result

    def _floor(self, run, load, contender):
        floor = Child([self._build / contender.program, *contender.arguments, *load.floor,
                       "--io=uring", load_generator.duration(self._settings),
                       load_generator.warm_up(self._settings),
                       f"--json={load_generator.result_path(self._folder)}"],
                      self._folder / "floor.log")
        run["load_command"] = floor.arguments
        result = self._result(run, floor)["runs"][0]
        run["figures"] = {
            "deliveries_per_second": result["messages_per_second"],
            "deliveries_per_cpu_second": result["messages_per_cpu_second"],
            "system_calls_per_delivery": result["system_calls"] / result["messages"],
            "sends_per_delivery": result["sends"] / result["messages"]}

    def _measure(self, run, load, contender, server, port):
        others = OtherPrograms(server.pid)
        result = self._load(run, load, contender, server, port)
        run |= others.shares()
        return _memory(result["server"]) if load.workload == "idle" else self._figures(result, contender)

    def _count(self, run, load, contender, server, port):
        counter = self._start_counting(server)
        result = self._load(run, load, contender, server, port)
        deliveries = result["counts"]["requests"]["send_message"] * load.members
        return {"system_calls_per_delivery": self._stop_counting(counter) / deliveries}

    def _load(self, run, load, contender, server, port):
        """The load generator's result."""
        paced = () if load.workload == "idle" else (load_generator.warm_up(self._settings),
                                                    f"--seed={run['round']}")
        generator = load_generator.start(
            self._build, self._folder, self._settings, [load.workload, *load.arguments],
            server=server, port=port, label=contender.label, launcher=contender.launcher,
            further=[f"--protocol={contender.protocol}", *paced])
        run["load_command"] = generator.arguments
        return self._result(run, generator)

    def _start_counting(self, server):
        """perf, once it counts: it opens its events one after the other, then it waits."""
        counter = Child(["perf", "stat", "-x,", "-e", _EVENT, "-p", server.pid,
                         "-o", self._folder / "perf.csv"], self._folder / "perf.log")
        wait_until(lambda: counter.exit_code() is not None or _sleeps(counter.pid), 10.0,
                   "perf to count")
        return counter

    def _stop_counting(self, counter):
        counter.signal(signal.SIGINT)
        counter.wait(10.0)
        return _counted_calls(self._folder / "perf.csv")

    def _figures(self, result, contender):
        seconds = result["measured_seconds"]
        last = result["latencies"]["last_member"]
        return {
            "deliveries_per_second": result["rates"]["deliveries_per_second"],
            "deliveries_per_cpu_second": result["server"]["deliveries_per_cpu_second"],
            "last_member_p50": _seconds(last["p50_ns"]),
            "last_member_p99": _seconds(last["p99_ns"]),
            "server_cores": result["server"]["cpu_seconds"] / seconds,
            "generator_cores": result["loadgen"]["cpu_seconds"] / seconds,
            "sends_per_delivery": self._sends_per_delivery(contender)}

    def _sends_per_delivery(self, contender):
        """Of the whole run, from the chat server's own metrics; the peers have no such count."""
        path = self._folder / "server.prom"
        if contender.protocol != "chat" or not path.exists():
            return None
        samples, _, _ = parse(path.read_text())
        deliveries = total(samples, "ringside_deliveries_total")
        return total(samples, "ringside_sends_total") / deliveries if deliveries else None


def _memory(server):
    return {"memory_per_connection": server["resident_bytes_per_connection"],
            "memory_idle": server["resident_bytes_idle"]}


def _seconds(nanoseconds):
    return None if nanoseconds is None else nanoseconds / 1e9
