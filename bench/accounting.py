"""CPU time by whom it was spent, to the tick of /proc."""

import os
import resource
import time
from pathlib import Path


def _machine_seconds():
    """(busy, stolen) CPU seconds of the whole machine since it started."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    hertz = os.sysconf("SC_CLK_TCK")
    return (user + nice + system + irq + softirq) / hertz, steal / hertz


def process_seconds(pid):
    """User and system time of a process; 0 where it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def script_seconds():
    """User and system time of this script itself."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class OtherPrograms:
    """What part of the machine went to others between the start and shares(): neither to the
    servers with these process ids, nor to this script, nor to its children that ended meanwhile.
    What all together took is told too, softirqs included, which no process may be charged for."""

    def __init__(self, *server_pids):
        self._server_pids = server_pids
        self._machine, self._steal = _machine_seconds()
        self._own = self._own_seconds()
        self._started = time.monotonic()

    def _own_seconds(self):
        return (sum(process_seconds(pid) for pid in self._server_pids)
                + script_seconds() + _children_seconds())

    def shares(self):
        """{"other_cpu_share", "steal_share"}, of all cores, and "machine_cpu_seconds"; the servers must
        still run."""
        machine, steal = _machine_seconds()
        own = self._own_seconds() - self._own
        available = (time.monotonic() - self._started) * os.cpu_count()
        return {"other_cpu_share": max(0.0, (machine - self._machine - own) / available),
                "steal_share": (steal - self._steal) / available,
                "machine_cpu_seconds": machine - self._machine}
