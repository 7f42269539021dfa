"""The load generator as the bench scripts run it: its options, its end, its result."""

import json

from child import Child
from units import duration_text

# What set-up and drain may take on top of the load.
GRACE_SECONDS = 60.0
# Its exit code, and the floor's, where a delivery was wrong or missing, or it was the limit itself.
INVALID_RUN = 4


def why_invalid(result):
    """Of a run that ended with INVALID_RUN; `result` may be None."""
    failed = "deliveries failed verification"
    if result is None or any(result.get("violations", {}).values()):
        return failed
    return result.get("generator_limit", failed)


def seconds_max(settings):
    """How long a run may last."""
    return settings["duration_seconds"] + settings["warm_up_seconds"] + GRACE_SECONDS


def duration(settings):
    """The option for how long to measure; the floor has it too."""
    return f"--duration={duration_text(settings['duration_seconds'])}"


def warm_up(settings):
    """The option for the load before that; the floor has it too."""
    return f"--warm-up={duration_text(settings['warm_up_seconds'])}"


def result_path(folder):
    """Where a run in this folder has its result."""
    return folder / "result.json"


def start(build, folder, settings, load, *, server, port, label, further=(), launcher=()):
    """A load against a server: `load` is a workload and its arguments, `server` the child that is
    measured, `label` what metrics and results call it, `launcher` what starts the generator."""
    return Child([*launcher, build / "loadgen/loadgen", *load, f"--connect=127.0.0.1:{port}",
                  f"--server-pid={server.pid}", f"--server-label={label}", duration(settings),
                  f"--json={result_path(folder)}", *further], folder / "loadgen.log")


def result(folder):
    """What was written as JSON; None where nothing was."""
    path = result_path(folder)
    return json.loads(path.read_text()) if path.exists() else None
