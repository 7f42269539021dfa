"""bench/compare: builds, puts the servers under load in turns, writes the report. See --help; script.py
has the course of it, monitoring around the runs belongs to this one alone."""

import contextlib
import sys
import tempfile
from pathlib import Path

import command_line
import compare_terminal
import machine
import monitoring
import preparation
import results_file
import script
import terminal
from compare_loads import LOADS, SERVERS
from compare_runs import FSYNC, Runner
from contenders import programs, versions
from preparation import ROOT, Unprepared
from turns import take, turns

FULL = {"rounds": 5, "duration": 8.0, "warm_up": 1.0}
QUICK = {"rounds": 1, "duration": 3.5, "warm_up": 0.5}
# Start and stop of a server, the wait for its last textfile, the queries.
SECONDS_BESIDES = 1.2

EXAMPLES = """\
examples:
  bench/compare                           the full comparison, about 7 minutes
  bench/compare --quick                   everything once, in less than a minute
  bench/compare --server uring --server uring-epoll --rounds 10
                                          what io_uring itself brings
  bench/compare --no-prometheus --duration 5s --out /tmp/reports
"""


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = command_line.parser(
        "compare", "Builds the servers, puts each under the same loads in turns, and writes a\n"
                   "report with charts to docs/reports.", EXAMPLES)
    parser.add_argument("--server", action="append", type=command_line.server_of(SERVERS),
                        metavar="NAME", help=f"one of {', '.join(SERVERS)}; may be repeated "
                                             "(default: pipeline and uring)")
    parser.add_argument("--no-prometheus", action="store_true",
                        help="measure without monitoring: no curves and no heatmaps")
    options = command_line.parse(parser, arguments, FULL, QUICK, process="server and load",
                                  quickly="one short round of everything")
    options.server = list(dict.fromkeys(options.server or ["pipeline", "uring"]))
    return options


def _servers(options):
    return [SERVERS[label] for label in options.server]


def prepare(options):
    """Packages, monitoring, build; Unprepared or MonitoringMissing says what is missing."""
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
        if not options.no_prometheus:
            try:
                preparation.run(ROOT / "tools/bootstrap", "--monitoring")
            except Unprepared as error:
                raise Unprepared(f"{error}; --no-prometheus measures without it") from None
    if not options.no_prometheus:
        monitoring.programs()
    preparation.build(options.build, programs(_servers(options)))
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    results = results_file.head("compare", options, arguments,
                                versions(options.build, _servers(options)))
    results["settings"]["fsync"] = FSYNC
    return results | {
        "monitoring": [] if options.no_prometheus else [
            machine.version(program).split(" (", 1)[0] for program in monitoring.programs()],
        "servers": [{"label": one.label, "title": one.title} for one in _servers(options)],
        "loads": [{"name": load.name, "title": load.title, "short": load.short,
                   "workload": load.workload}
                  for load in LOADS],
        "runs": [],
    }


def measure(options, results):
    """Every run in turn; what there is stays in `results`, whatever ends this early."""
    order = turns(options.rounds, _servers(options), LOADS)
    seconds = len(order) * (options.duration + options.warm_up + SECONDS_BESIDES)
    terminal.say(f"{len(order)} runs, about {seconds / 60:.1f} minutes"
                 + ("" if options.no_prometheus else ", starting Prometheus and node-exporter"))
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringside-compare-")))
        if options.no_prometheus:
            watching, textfiles = None, work / "textfiles"
            textfiles.mkdir()
        else:
            watching = stack.enter_context(monitoring.Monitoring(work / "monitoring"))
            textfiles = watching.textfiles
        runner = Runner(options.build, work, results["settings"], textfiles, watching)
        take(order, results["runs"], runner.take, compare_terminal.run_words)


def publish(options, results):
    """Writes results.json and the report, prints the table."""
    import report  # here: it needs matplotlib, which the bootstrap may only just have installed

    script.publish(options, results, report.write, compare_terminal.table)


def main(arguments):
    """Everything; returns the exit code."""
    return script.run("compare", parse_arguments(arguments), arguments, prepare=prepare,
                      describe=describe, measure=measure, publish=publish)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
