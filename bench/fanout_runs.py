"""Single runs of bench/fanout: a fresh process of one contender, one load, what came of it.

Nothing is judged here. A run that fails is a result like any other: `problem` says what happened.
System calls are counted by the kernel (perf's raw_syscalls:sys_enter) in a run of its own, since
counting costs every call some time.
"""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from accounting import OtherPrograms
from child import Child, ChildError, exit_text, wait_until
from contenders import running
from exposition import parse, total
from peers import PeerMissing
from units import duration_text

GRACE_SECONDS = 60.0
INVALID_RUN = 4  # exit code of load generator and floor where something did not arrive
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


class Runner:
    """Takes runs one after the other, each in a folder of its own below `work`."""

    def __init__(self, build, work, settings):
        self._build = Path(build)
        self._folder = Path(work) / "run"
        self._settings = settings

    def take(self, number, load, contender, counting=False):
        """What results.json keeps of a run. `number` is the round and the seed. `counting`: only
        for system calls per delivery."""
        self._folder.mkdir()
        run = {"round": number, "load": load.name, "contender": contender.label,
               "problem": None, "figures": {}}
        try:
            if contender.protocol is None:
                self._floor(run, load, contender)
            else:
                with running(contender, self._build, self._folder) as (server, port):
                    run["server_command"] = server.arguments
                    self._serve(run, load, contender, server, port, counting)
        except (ChildError, PeerMissing) as error:
            run["problem"] = run["problem"] or str(error)
        finally:
            shutil.rmtree(self._folder)
        return run

    def _wait_for(self, child, run):
        """The JSON of a program that measures; ChildError where it did not end well."""
        seconds = (self._settings["duration_seconds"] + self._settings["warm_up_seconds"]
                   + GRACE_SECONDS)
        try:
            code = child.wait(seconds)
        finally:
            child.kill()
        path = self._folder / "result.json"
        result = json.loads(path.read_text()) if path.exists() else None
        if result is not None and "violations" in result:
            run["violations"] = sum(result["violations"].values())
        if code == INVALID_RUN:
            raise ChildError("deliveries failed verification")
        if code != 0 or result is None:
            raise ChildError(f"{Path(child.arguments[0]).name} ended with {exit_text(code)}: "
                             f"{child.last_lines()}")
        return result

    def _duration_and_result(self):
        return (f"--duration={duration_text(self._settings['duration_seconds'])}",
                f"--json={self._folder / 'result.json'}")

    def _warm_up(self):
        return f"--warm-up={duration_text(self._settings['warm_up_seconds'])}"

    def _floor(self, run, load, contender):
        floor = Child([self._build / contender.program, *contender.arguments, *load.floor,
                       "--io=uring", *self._duration_and_result(), self._warm_up()],
                      self._folder / "floor.log")
        run["load_command"] = floor.arguments
        result = self._wait_for(floor, run)["runs"][0]
        run["figures"] = {
            "deliveries_per_second": result["messages_per_second"],
            "deliveries_per_cpu_second": result["messages_per_cpu_second"],
            "system_calls_per_delivery": result["system_calls"] / result["messages"],
            "sends_per_delivery": result["sends"] / result["messages"]}

    def _serve(self, run, load, contender, server, port, counting):
        counter = self._start_counting(server) if counting else None
        others = OtherPrograms(server.pid)
        paced = () if load.workload == "idle" else (self._warm_up(), f"--seed={run['round']}")
        generator = Child([self._build / "loadgen/loadgen", load.workload, *load.arguments,
                           f"--protocol={contender.protocol}", f"--connect=127.0.0.1:{port}",
                           f"--server-pid={server.pid}", f"--server-label={contender.label}",
                           *self._duration_and_result(), *paced], self._folder / "loadgen.log")
        run["load_command"] = generator.arguments
        result = self._wait_for(generator, run)
        if server.exit_code() is not None:
            raise ChildError(f"{contender.label} died under load: {server.last_lines()}")
        if counter is not None:
            deliveries = result["counts"]["requests"]["send_message"] * load.members
            calls = self._stop_counting(counter)
            run["figures"] = {"system_calls_per_delivery": calls / deliveries}
            return
        run |= others.shares()
        if load.workload == "idle":
            run["figures"] = _memory(result["server"])
        else:
            run["figures"] = self._figures(result, contender)

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
