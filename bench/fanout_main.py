"""bench/fanout: builds, puts all contenders under fan-out loads in turns, writes the report. See --help;
script.py has the course of it."""

import sys
import tempfile

import command_line
import fanout_report
import peers
import preparation
import results_file
import script
import terminal
from contenders import CONTENDERS, VARIANTS, programs, versions
from fanout_loads import LOADS
from fanout_runs import Runner, can_count_calls
from preparation import ROOT
from turns import take, turns

FULL = {"rounds": 5, "duration": 1.5, "warm_up": 0.5}
QUICK = {"rounds": 1, "duration": 0.6, "warm_up": 0.2}
# What a quick run leaves out: the naive server's set-up and drain take longest.
NOT_QUICK = (*VARIANTS, "naive")
# Start and stop of a server, set-up and drain of the load.
SECONDS_BESIDES = 1.7

EXAMPLES = """\
examples:
  bench/fanout                            everything, about 25 minutes
  bench/fanout --quick                    most of it once, in less than two minutes
  bench/fanout --contender uring --contender redis --load w16 --rounds 10
"""


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = command_line.parser(
        "fanout", "Puts the chat servers, Redis, NATS, a naive server (a thread per client, a\n"
                  "send per field) and the floor (one thread that only sends) under the same\n"
                  "fan-out loads in turns, and writes a report to docs/reports.", EXAMPLES)
    parser.add_argument("--contender", action="append", metavar="NAME",
                        type=command_line.one_of(CONTENDERS, "contender"),
                        help=f"one of {', '.join(CONTENDERS)}; may be repeated (default: all, "
                             f"with --quick without {', '.join(NOT_QUICK)})")
    parser.add_argument("--load", action="append", metavar="NAME",
                        type=command_line.one_of(LOADS, "load"),
                        help=f"one of {', '.join(LOADS)}; may be repeated (default: all)")
    options = command_line.parse(parser, arguments, FULL, QUICK, process="contender and load",
                                  quickly="one short round, system calls not counted",
                                  present="packages and peers are")
    default = [label for label in CONTENDERS if not (options.quick and label in NOT_QUICK)]
    options.contender = list(dict.fromkeys(options.contender or default))
    options.load = list(dict.fromkeys(options.load or LOADS))
    if not order(options, 1):
        parser.error("nothing to measure: these contenders have no meaning under these loads")
    return options


def _contenders(options):
    return [CONTENDERS[label] for label in options.contender]


def prepare(options):
    """Packages, peers, build; Unprepared or PeerMissing says what is missing."""
    chosen = _contenders(options)
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
        if any(not contender.program for contender in chosen):
            preparation.run(ROOT / "tools/bootstrap", "--peers")
    for contender in chosen:
        if not contender.program:
            peers.program(contender.protocol)
    preparation.build(options.build, programs(chosen))
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    chosen = _contenders(options)
    return results_file.head("fanout", options, arguments, versions(options.build, chosen)) | {
        "contenders": [{"label": one.label, "title": one.title} for one in chosen],
        "loads": [{"name": name, "title": LOADS[name].title, "headline": LOADS[name].headline,
                   "goals": LOADS[name].goals} for name in options.load],
        "runs": [], "counting_runs": [],
    }


def _has_a_turn(load, contender):
    """Under a load without a floor."""
    if contender.protocol is None or contender.launcher:
        return False
    return contender.whole or load.workload == "fanout"


def order(options, rounds):
    """(round, load, contender) in order of execution; the floor, and who is there to be held
    against it, only where it has a meaning; no idle connections for who would have 15,000 threads."""
    loads = [LOADS[name] for name in options.load]
    return [(number, load, contender) for number, load, contender
            in turns(rounds, _contenders(options), loads)
            if load.floor is not None or _has_a_turn(load, contender)]


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
        take(runs, results["runs"], runner.take, fanout_report.run_words, after=len(counting))
        take(counting, results["counting_runs"], runner.count, fanout_report.run_words,
             before=len(runs), said="calls")


def publish(options, results):
    """Writes results.json and the report, prints the table."""
    script.publish(options, results, fanout_report.write, fanout_report.table)


def main(arguments):
    """Everything; returns the exit code."""
    return script.run("fanout", parse_arguments(arguments), arguments, prepare=prepare,
                      describe=describe, measure=measure, publish=publish)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
