"""What a reader needs to know of the machine and the build before believing a number."""

import gc
import gzip
import json
import os
import platform
import subprocess
import timeit
from pathlib import Path


def _text(path, default="unknown"):
    try:
        return Path(path).read_text().strip()
    except OSError:
        return default


def _output(*arguments, folder=None):
    """Standard output of a program that may be missing or fail; empty then."""
    try:
        finished = subprocess.run(arguments, cwd=folder, capture_output=True, text=True,
                                  timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return finished.stdout.strip() if finished.returncode == 0 else ""


def _cpu_model():
    for line in _text("/proc/cpuinfo", "").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _virtualisation():
    found = _output("systemd-detect-virt")
    if found:
        return found
    return "yes" if " hypervisor" in _text("/proc/cpuinfo", "") else "none seen"


def _mitigations():
    """The vulnerabilities that this kernel spends time on, each with what it does."""
    found = {}
    for path in sorted(Path("/sys/devices/system/cpu/vulnerabilities").glob("*")):
        words = _text(path)
        if words != "Not affected":
            found[path.name] = words
    return found


def _distribution():
    for line in _text("/etc/os-release", "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return "unknown"


def _memory_bytes():
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _irq_time_accounting(release):
    """Whether this kernel keeps the time of interrupts apart from that of processes: on, off or
    unknown."""
    try:
        with gzip.open("/proc/config.gz", "rt") as stream:
            configuration = stream.read()
    except OSError:
        configuration = _text(f"/boot/config-{release}", "")
    if not configuration:
        return "unknown"
    return "on" if "CONFIG_IRQ_TIME_ACCOUNTING=y" in configuration.splitlines() else "off"


def _system_call_ns():
    """What the cheapest system call costs here: getppid(2), less what calling costs Python. It differs
    several-fold between machines, with mitigations and hypervisors."""
    calls = 20_000

    def best(function):
        return min(timeit.repeat(function, number=calls, repeat=5)) / calls

    return max(1, round(1e9 * (best(os.getppid) - best(gc.isenabled))))


def describe(work):
    """The environment part of results.json; `work`: the folder in which histories are written."""
    return {
        "kernel": platform.release(),
        "distribution": _distribution(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory_bytes(),
        "virtualisation": _virtualisation(),
        "mitigations": _mitigations(),
        "system_call_ns": _system_call_ns(),
        "governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "none"),
        "io_uring_disabled": _text("/proc/sys/kernel/io_uring_disabled", "absent"),
        "irq_time_accounting": _irq_time_accounting(platform.release()),
        "work_file_system": _output("findmnt", "-n", "-o", "FSTYPE", "-T", str(work)) or "unknown",
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def commit(folder):
    """(abbreviated commit, whether tracked files outside the reports differ from it)."""
    name = _output("git", "rev-parse", "--short=10", "HEAD", folder=folder) or "unknown"
    changed = _output("git", "status", "--porcelain", "--untracked-files=no", "--", ".",
                      ":!docs/reports", folder=folder)
    return name, changed != ""


def build_options(build):
    """Meson's options of a build folder that matter for speed."""
    wanted = ("buildtype", "optimization", "b_sanitize", "b_lto", "mimalloc")
    options = json.loads(_output("meson", "introspect", "--buildoptions", str(build)) or "[]")
    return {option["name"]: option["value"] for option in options if option["name"] in wanted}


def version(program):
    """What a program says of itself: one line, or several."""
    return _output(str(program), "--version")
