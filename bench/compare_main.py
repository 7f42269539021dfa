"""bench/compare: builds, measures, writes the report. See --help; bench/compare starts this file.

The order: options, packages, build, monitoring, runs, results.json, report. A failed run does not
end the comparison: it is shown in the report, and the exit code says so.
Exit codes: 0 every run was good, 1 something failed, 2 usage, 130 interrupted.
"""

import argparse
import contextlib
import signal
import sys
import tempfile
from pathlib import Path

import compare_terminal
import machine
import preparation
import results_file
import terminal
from child import ChildError
from compare_loads import LOADS, SERVERS, server_label
from compare_runs import FSYNC, Measurement
from monitoring import Monitoring, MonitoringMissing, programs
from preparation import ROOT, Unprepared
from turns import turns
from figures import problems

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


def _server(text):
    try:
        return server_label(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = argparse.ArgumentParser(
        prog="bench/compare", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Builds the servers, puts each under the same loads in turns, and writes a\n"
                    "report with charts to docs/reports.")
    parser.add_argument("--server", action="append", type=_server, metavar="NAME",
                        help=f"one of {', '.join(SERVERS)}; may be repeated "
                             "(default: pipeline and uring)")
    parser.add_argument("--rounds", type=preparation.rounds, metavar="N",
                        help=f"fresh processes per server and load (default {FULL['rounds']}, "
                             f"with --quick {QUICK['rounds']})")
    parser.add_argument("--duration", type=preparation.duration, metavar="TIME",
                        help=f"measured part of a run, as 500ms, 10s, 2m (default "
                             f"{FULL['duration']:g}s, with --quick {QUICK['duration']:g}s)")
    parser.add_argument("--warm-up", type=preparation.duration, metavar="TIME",
                        help=f"load before that (default {FULL['warm_up']:g}s, with --quick "
                             f"{QUICK['warm_up']:g}s)")
    parser.add_argument("--quick", action="store_true",
                        help="one short round of everything; the report says so")
    parser.add_argument("--no-prometheus", action="store_true",
                        help="measure without monitoring: no curves and no heatmaps")
    parser.add_argument("--no-bootstrap", action="store_true",
                        help="do not call tools/bootstrap: the packages are there")
    parser.add_argument("--build", type=Path, default=ROOT / "build", metavar="DIR",
                        help="build folder, set up where it is missing (default build)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/reports", metavar="DIR",
                        help="where the report goes (default docs/reports)")
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.server = list(dict.fromkeys(options.server or ["pipeline", "uring"]))
    return options


def prepare(options):
    """Packages, monitoring, build; Unprepared says what is missing."""
    options.build = options.build.resolve()
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
        if not options.no_prometheus:
            try:
                preparation.run(ROOT / "tools/bootstrap", "--monitoring")
            except Unprepared as error:
                raise Unprepared(f"{error}; --no-prometheus measures without it") from None
    if not options.no_prometheus:
        programs()
    preparation.build(options.build, [*(SERVERS[label].program for label in options.server),
                                      "loadgen/loadgen"])
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    paths = [*(SERVERS[label].program for label in options.server), "loadgen/loadgen"]
    results = results_file.head("compare", options, arguments, {
        Path(path).name: machine.version(options.build / path) for path in dict.fromkeys(paths)})
    results["settings"]["fsync"] = FSYNC
    return results | {
        "monitoring": [] if options.no_prometheus else [
            machine.version(program).split(" (", 1)[0] for program in programs()],
        "servers": [{"label": label, "title": SERVERS[label].title} for label in options.server],
        "loads": [{"name": load.name, "title": load.title, "short": load.short,
                   "workload": load.workload}
                  for load in LOADS],
        "runs": [],
    }


def measure(options, results):
    """Every run in turn; what there is stays in `results`, whatever ends this early."""
    order = turns(options.rounds, options.server, LOADS)
    seconds = len(order) * (options.duration + options.warm_up + SECONDS_BESIDES)
    terminal.say(f"{len(order)} runs, about {seconds / 60:.1f} minutes"
                 + ("" if options.no_prometheus else ", starting Prometheus and node-exporter"))
    with contextlib.ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringside-compare-")))
        if options.no_prometheus:
            monitoring, textfiles = None, work / "textfiles"
            textfiles.mkdir()
        else:
            monitoring = stack.enter_context(Monitoring(work / "monitoring"))
            textfiles = monitoring.textfiles
        measurement = Measurement(options.build, work, textfiles, results["settings"], monitoring)
        for position, (number, load, label) in enumerate(order, 1):
            server = SERVERS[label]
            terminal.run_start((position, len(order)), f"round {number}", load.name, label)
            run = results_file.without_paths(measurement.take(number, load, server),
                                             options.build, work)
            results["runs"].append(run)
            terminal.run_end(run, compare_terminal.run_words)


def publish(options, results):
    """Writes results.json and the report, prints the table."""
    import report  # here: it needs matplotlib, which the bootstrap may only just have installed

    results["name"] = results_file.unused_name(options.out, results["name"])
    folder = options.out / results["name"]
    folder.mkdir()
    (folder / "results.json").write_text(results_file.dump(results))
    path = report.write(results, folder)
    terminal.say("\n" + compare_terminal.table(results) + "\n")
    terminal.say(f"report: {path}")


def conclude(results):
    """The exit code of a whole comparison, and a red line where it is not 0."""
    failed = problems(results)
    if failed:
        terminal.say(terminal.red(f"{len(failed)} of {len(results['runs'])} runs FAILED"))
        return 1
    return 0


def _interrupt(*_):
    raise KeyboardInterrupt


def main(arguments):
    """Everything; returns the exit code."""
    options = parse_arguments(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    results, code = {"runs": []}, None
    try:
        prepare(options)
        results = describe(options, arguments)
        measure(options, results)
    except (Unprepared, MonitoringMissing, ChildError, OSError) as error:
        terminal.say()
        print(f"bench/compare: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        terminal.say()
        print("bench/compare: interrupted", file=sys.stderr)
        code = 130
    if code is None:
        publish(options, results)
        return conclude(results)
    if results["runs"]:
        results["interrupted"] = True
        publish(options, results)
        terminal.say(terminal.red("the report holds what there was until then"))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
