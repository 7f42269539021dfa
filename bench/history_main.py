"""bench/history: builds, makes the data, measures the servers in turns, writes the report. See --help;
script.py has the course of it, the data are made before the first run."""

import sys
import tempfile

import command_line
import history_report
import preparation
import results_file
import script
import terminal
from contenders import CONTENDERS, programs, versions
from history_client import FRAME_BYTES
from history_data import Data
from history_parts import MESSAGES, OTHERS, PARTS, ROOMS
from history_runs import Runner
from preparation import ROOT
from turns import take, turns

FULL = {"rounds": 5, "duration": 3.0, "warm_up": 0.5, "messages": MESSAGES, "rooms": ROOMS}
QUICK = {"rounds": 1, "duration": 1.2, "warm_up": 0.2, "messages": 200_000, "rooms": 2000}
SERVERS = [label for label, contender in CONTENDERS.items()
           if contender.protocol == "chat" and contender.whole and not contender.launcher]
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


def parse_arguments(arguments):
    """The options with their defaults filled in."""
    parser = command_line.parser(
        "history", "Measures how fast a server streams a room's long history to who joins, what\n"
                   "members of another room wait meanwhile, and how long a start with many\n"
                   "rooms takes; writes a report to docs/reports.", EXAMPLES)
    parser.add_argument("--server", action="append", metavar="NAME",
                        type=command_line.server_of(SERVERS),
                        help=f"one of {', '.join(SERVERS)}; may be repeated (default: "
                             f"{', '.join(DEFAULT)})")
    parser.add_argument("--messages", metavar="N",
                        type=command_line.number(MESSAGES_MIN, MESSAGES_MAX, "messages"),
                        help=f"messages of the long history, {FRAME_BYTES} bytes each (default "
                             f"{MESSAGES}, with --quick {QUICK['messages']})")
    parser.add_argument("--rooms", metavar="N", type=command_line.number(1, ROOMS_MAX, "rooms"),
                        help=f"rooms to start with (default {ROOMS}, with --quick {QUICK['rooms']})")
    options = command_line.parse(parser, arguments, FULL, QUICK, process="server and part",
                                  quickly="one short round on less data")
    options.server = list(dict.fromkeys(options.server or DEFAULT))
    return options


def _servers(options):
    return [CONTENDERS[label] for label in options.server]


def prepare(options):
    """Packages and build; Unprepared says what is missing."""
    if not options.no_bootstrap:
        preparation.run(ROOT / "tools/bootstrap")
    preparation.build(options.build, programs(_servers(options)))
    preparation.make_folder(options.out)


def describe(options, arguments):
    """results.json before the first run."""
    results = results_file.head("history", options, arguments,
                                versions(options.build, _servers(options)))
    results["settings"] |= {"messages": options.messages, "rooms": options.rooms, "others": OTHERS,
                            "history_bytes": options.messages * FRAME_BYTES}
    return results | {
        "contenders": [{"label": one.label, "title": one.title} for one in _servers(options)],
        "loads": [{"name": part.name, "title": part.title} for part in PARTS.values()],
        "runs": []}


def order(options):
    """(round, part, contender) in order of execution: a server's parts one after the other, so that
    what is compared with each other lies close together, in reverse order in every second round."""
    return [(number, part, contender) for number, contender, part
            in turns(options.rounds, PARTS.values(), _servers(options))]


def make_data(options, data):
    """What all runs start from, told while it is made."""
    for contender in _servers(options):
        terminal.say(f"{options.messages} messages into a room of {contender.label}: ", end="")
        terminal.say(f"{data.make_history(contender):.1f} s")
    terminal.say(f"{options.rooms} rooms: ", end="")
    terminal.say(f"{data.make_rooms(_servers(options)[0]):.1f} s")


def measure(options, results):
    """Every run in turn; what there is stays in `results`, whatever ends this early."""
    runs = order(options)
    seconds = len(runs) * (options.duration + options.warm_up + SECONDS_BESIDES)
    terminal.say(f"{len(runs)} runs, about {seconds / 60:.1f} minutes")
    with tempfile.TemporaryDirectory(prefix="ringside-history-") as work:
        data = Data(options.build, work, results["settings"])
        make_data(options, data)
        runner = Runner(options.build, work, results["settings"], data)
        take(runs, results["runs"], runner.take, history_report.run_words)


def publish(options, results):
    """Writes results.json and the report, prints the table."""
    script.publish(options, results, history_report.write, history_report.table)


def main(arguments):
    """Everything; returns the exit code."""
    return script.run("history", parse_arguments(arguments), arguments, prepare=prepare,
                      describe=describe, measure=measure, publish=publish)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
