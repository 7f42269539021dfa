"""bench/fanout: builds, measures all contenders in turns, writes the report. See --help.

The order: options, packages, build, runs, counting runs, results.json, report. A failed run does not
end the measurement: it is shown in the report, and the exit code says so.
Exit codes: 0 every run was good, 1 something failed, 2 usage, 130 interrupted.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import fanout_report
import machine
import preparation
import results_file
import terminal
from contenders import CONTENDERS, VARIANTS
from fanout_loads import LOADS
from fanout_runs import Runner, can_count_calls
from peers import PeerMissing
from preparation import ROOT, Unprepared
from turns import turns

FULL = {"rounds": 5, "duration": 1.5, "warm_up": 0.5}
QUICK = {"rounds": 1, "duration": 0.8, "warm_up": 0.2}
# Start and stop of a server, set-up and drain of the load.
SECONDS_BESIDES = 1.0

EXAMPLES = """\
examples:
  bench/fanout                            everything, about 20 minutes
  bench/fanout --quick                    everything once, in less than two minutes
  bench/fanout --contender uring --contender redis --load w16 --rounds 10
"""


def _one_of(known, what):
    def check(text):
        if text not in known:
            raise argparse.ArgumentTypeError(f"'{text}' is no {what}: choose from {', '.join(known)}")
        return text
    return check


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = argparse.ArgumentParser(
        prog="bench/fanout", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Puts the chat servers, Redis, NATS and the floor (one thread that only sends)\n"
                    "under the same fan-out loads in turns, and writes a report to docs/reports.")
    parser.add_argument("--contender", action="append", metavar="NAME",
                        type=_one_of(CONTENDERS, "contender"),
                        help=f"one of {', '.join(CONTENDERS)}; may be repeated (default: all, "
                             f"with --quick without {', '.join(VARIANTS)})")
    parser.add_argument("--load", action="append", metavar="NAME", type=_one_of(LOADS, "load"),
                        help=f"one of {', '.join(LOADS)}; may be repeated (default: all)")
    parser.add_argument("--rounds", type=preparation.rounds, metavar="N",
                        help=f"fresh processes per contender and load (default {FULL['rounds']}, "
                             f"with --quick {QUICK['rounds']})")
    parser.add_argument("--duration", type=preparation.duration, metavar="TIME",
                        help=f"measured part of a run, as 500ms, 10s, 2m (default "
                             f"{FULL['duration']:g}s, with --quick 800ms)")
    parser.add_argument("--warm-up", type=preparation.duration, metavar="TIME",
                        help=f"load before that (default {FULL['warm_up']:g}s, with --quick 200ms)")
    parser.add_argument("--quick", action="store_true",
                        help="one short round, system calls not counted; the report says so")
    parser.add_argument("--no-bootstrap", action="store_true",
                        help="do not call tools/bootstrap: packages and peers are there")
    parser.add_argument("--build", type=Path, default=ROOT / "build", metavar="DIR",
                        help="build folder, set up where it is missing (default build)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/reports", metavar="DIR",
                        help="where the report goes (default docs/reports)")
    options = parser.parse_args(arguments)
    for name, value in (QUICK if options.quick else FULL).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    default = [label for label in CONTENDERS if not (options.quick and label in VARIANTS)]
    options.contender = list(dict.fromkeys(options.contender or default))
    options.load = list(dict.fromkeys(options.load or LOADS))
    options.build = options.build.resolve()
    return options


def prepare(options):
    """Packages, peers, build; Unprepared says what is missing."""
    chosen = [CONTENDERS[label] for label in options.contender]
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
        if any(contender.protocol in ("redis", "nats") for contender in chosen):
            preparation.run(ROOT / "tools/bootstrap", "--peers")
    preparation.build(options.build, ["loadgen/loadgen", *(contender.program for contender in chosen
                                                           if contender.program)])
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    return results_file.head("fanout", options, arguments, versions(options)) | {
        "contenders": [{"label": label, "title": CONTENDERS[label].title}
                       for label in options.contender],
        "loads": [{"name": name, "title": LOADS[name].title, "headline": LOADS[name].headline,
                   "redis_goal": LOADS[name].redis_goal, "floor_goal": LOADS[name].floor_goal}
                  for name in options.load],
        "runs": [], "counting_runs": [],
    }


def versions(options):
    """What each program says of itself."""
    found = {}
    for label in options.contender:
        program = CONTENDERS[label].program or f"peers/bin/{label}-server"
        found[Path(program).name] = machine.version(options.build / program)
    return found


def order(options, rounds):
    """(round, load, contender) in order of execution; the floor only where it has a meaning."""
    contenders = [CONTENDERS[label] for label in options.contender]
    loads = [LOADS[name] for name in options.load]
    return [(number, load, contender) for number, load, contender
            in turns(rounds, contenders, loads)
            if contender.protocol is not None or load.floor is not None]


def measure(options, results):
    """Every run in turn; what there is stays in `results`, whatever ends this early."""
    runs = order(options, options.rounds)
    counts = not options.quick and can_count_calls()
    counting = [(number, load, contender) for number, load, contender in order(options, 1)
                if contender.protocol and load.workload == "fanout"] if counts else []
    seconds = (len(runs) + len(counting)) * (options.duration + options.warm_up + SECONDS_BESIDES)
    terminal.say(f"{len(runs)} runs, {len(counting)} more to count system calls, "
                 f"about {seconds / 60:.1f} minutes")
    with tempfile.TemporaryDirectory(prefix="ringside-fanout-") as work:
        runner = Runner(options.build, work, results["settings"])
        count = len(runs) + len(counting)
        for position, (number, load, contender) in enumerate(runs, 1):
            terminal.run_start((position, count), f"round {number}", load.name, contender.label)
            run = results_file.without_paths(runner.take(number, load, contender), options.build, work)
            results["runs"].append(run)
            terminal.run_end(run, fanout_report.run_words)
        for position, (number, load, contender) in enumerate(counting, len(runs) + 1):
            terminal.run_start((position, count), "calls", load.name, contender.label)
            run = results_file.without_paths(runner.take(number, load, contender, counting=True), options.build, work)
            results["counting_runs"].append(run)
            terminal.run_end(run, fanout_report.run_words)


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
    except (Unprepared, PeerMissing, OSError) as error:
        terminal.say()
        print(f"bench/fanout: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        terminal.say()
        print("bench/fanout: interrupted", file=sys.stderr)
        code = 130
    if not results["runs"]:
        return code
    results["interrupted"] = code is not None
    terminal.say("\n" + fanout_report.table(results))
    terminal.say(f"report: {fanout_report.write(results, options.out)}")
    return fanout_report.conclude(results) if code is None else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
