"""bench/history: builds, makes the data, measures the servers in turns, writes the report. See --help.

The order: options, packages, build, data, runs, results.json, report. A failed run does not end the
measurement: it is shown in the report, and the exit code says so.
Exit codes: 0 every run was good, 1 something failed, 2 usage, 130 interrupted.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import history_report
import machine
import preparation
import results_file
import terminal
from child import ChildError
from contenders import CONTENDERS
from history_client import FRAME_BYTES, ClientError
from history_data import Data
from history_parts import MESSAGES, OTHERS, PARTS, ROOMS
from history_runs import Runner
from preparation import ROOT, Unprepared
from turns import turns

FULL = {"rounds": 5, "duration": 3.0, "warm_up": 0.5, "messages": MESSAGES, "rooms": ROOMS}
QUICK = {"rounds": 1, "duration": 1.2, "warm_up": 0.2, "messages": 200_000, "rooms": 2000}
SERVERS = [label for label, contender in CONTENDERS.items() if contender.protocol == "chat"]
DEFAULT = ("uring-1", "uring", "pipeline")
# The fewest messages that tell a rate; 1.1 GB on disk for each server.
MESSAGES_MIN, MESSAGES_MAX = 1000, 10_000_000
# The bytes of the lists that answer their creation grow with the square of their number.
ROOMS_MAX = 20_000
# Start and stop of a server, set-up and drain of the load, the examination of a history.
SECONDS_BESIDES = 2.0

EXAMPLES = """\
examples:
  bench/history                           everything, about seven minutes
  bench/history --quick                   everything once, on less data
  bench/history --server uring-1 --messages 5000000
"""


def _server(text):
    label = text.removesuffix("-server")
    if label not in SERVERS:
        raise argparse.ArgumentTypeError(f"'{text}' is no server: choose from {', '.join(SERVERS)}")
    return label


def _number(least, most, what):
    def check(text):
        if not text.isdecimal() or not text.isascii() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number of {what}: {least} to {most}")
        return int(text)
    return check


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = argparse.ArgumentParser(
        prog="bench/history", epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures how fast a server streams a room's long history to who joins, what\n"
                    "members of another room wait meanwhile, and how long a start with many\n"
                    "rooms takes; writes a report to docs/reports.")
    parser.add_argument("--server", action="append", metavar="NAME", type=_server,
                        help=f"one of {', '.join(SERVERS)}; may be repeated (default: "
                             f"{', '.join(DEFAULT)})")
    parser.add_argument("--messages", type=_number(MESSAGES_MIN, MESSAGES_MAX, "messages"), metavar="N",
                        help=f"messages of the long history, {FRAME_BYTES} bytes each (default "
                             f"{MESSAGES}, with --quick {QUICK['messages']})")
    parser.add_argument("--rooms", type=_number(1, ROOMS_MAX, "rooms"), metavar="N",
                        help=f"rooms to start with (default {ROOMS}, with --quick {QUICK['rooms']})")
    parser.add_argument("--rounds", type=preparation.rounds, metavar="N",
                        help=f"fresh processes per server and part (default {FULL['rounds']}, with "
                             f"--quick {QUICK['rounds']})")
    parser.add_argument("--duration", type=preparation.duration, metavar="TIME",
                        help=f"measured part of a run, as 500ms, 10s, 2m (default "
                             f"{FULL['duration']:g}s, with --quick 1200ms)")
    parser.add_argument("--warm-up", type=preparation.duration, metavar="TIME",
                        help=f"load before that (default {1000 * FULL['warm_up']:g}ms, with --quick 200ms)")
    parser.add_argument("--quick", action="store_true",
                        help="one short round on less data; the report says so")
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
    options.server = list(dict.fromkeys(options.server or DEFAULT))
    options.build = options.build.resolve()
    return options


def prepare(options):
    """Packages and build; Unprepared says what is missing."""
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
    preparation.build(options.build, ["loadgen/loadgen",
                                      *(CONTENDERS[label].program for label in options.server)])
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    programs = dict.fromkeys(["loadgen/loadgen", *(CONTENDERS[label].program for label in options.server)])
    versions = {Path(program).name: machine.version(options.build / program) for program in programs}
    results = results_file.head("history", options, arguments, versions)
    results["settings"] |= {"messages": options.messages, "rooms": options.rooms, "others": OTHERS,
                            "history_bytes": options.messages * FRAME_BYTES}
    return results | {
        "contenders": [{"label": label, "title": CONTENDERS[label].title} for label in options.server],
        "loads": [{"name": part.name, "title": part.title} for part in PARTS.values()],
        "runs": []}


def order(options):
    """(round, part, contender) in order of execution: a server's parts one after the other, so that
    what is compared with each other lies close together, in reverse order in every second round."""
    contenders = [CONTENDERS[label] for label in options.server]
    return [(number, part, contender)
            for number, contender, part in turns(options.rounds, list(PARTS.values()), contenders)]


def make_data(options, data):
    """What all runs start from, told while it is made."""
    for label in options.server:
        terminal.say(f"{options.messages} messages into a room of {label}: ", end="")
        terminal.say(f"{data.make_history(CONTENDERS[label]):.1f} s")
    terminal.say(f"{options.rooms} rooms: ", end="")
    terminal.say(f"{data.make_rooms(CONTENDERS[options.server[0]]):.1f} s")


def measure(options, results):
    """Every run in turn; what there is stays in `results`, whatever ends this early."""
    runs = order(options)
    seconds = len(runs) * (options.duration + options.warm_up + SECONDS_BESIDES)
    terminal.say(f"{len(runs)} runs, about {seconds / 60:.1f} minutes")
    with tempfile.TemporaryDirectory(prefix="ringside-history-") as work:
        data = Data(options.build, work, results["settings"])
        make_data(options, data)
        runner = Runner(options.build, work, results["settings"], data)
        for position, (number, part, contender) in enumerate(runs, 1):
            terminal.run_start((position, len(runs)), f"round {number}", part.name, contender.label)
            run = results_file.without_paths(runner.take(number, part, contender), options.build, work)
            results["runs"].append(run)
            terminal.run_end(run, history_report.run_words)


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
    except (Unprepared, ChildError, ClientError, OSError) as error:
        terminal.say()
        print(f"bench/history: {error}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        terminal.say()
        print("bench/history: interrupted", file=sys.stderr)
        code = 130
    if not results["runs"]:
        return code
    results["interrupted"] = code is not None
    terminal.say("\n" + history_report.table(results))
    terminal.say(f"report: {history_report.write(results, options.out)}")
    return history_report.conclude(results) if code is None else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
