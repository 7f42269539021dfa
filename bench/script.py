"""The course of every bench script: preparation, runs, results.json, report.

1. A failed run does not end a script: it is shown in the report, and the exit code says so.
2. Whatever ends the runs early, what there is by then is published.
3. Exit codes: 0 every run was good, 1 something failed, 2 usage (argparse), 130 interrupted.
"""

import signal
import sys

import results_file
import terminal
from child import ChildError
from preparation import Unprepared


def run(name, options, arguments, *, prepare, describe, measure, publish):
    """Everything of bench/NAME after its options; returns the exit code. `describe` makes results.json
    before the first run, `measure` adds the runs to it."""
    signal.signal(signal.SIGTERM, _interrupt)
    results, code = {"runs": []}, None
    try:
        prepare(options)
        results = describe(options, arguments)
        measure(options, results)
    except (Unprepared, ChildError, OSError) as error:
        code = _end(name, error, 1)
    except KeyboardInterrupt:
        code = _end(name, "interrupted", 130)
    results["interrupted"] = code is not None
    if results["runs"]:
        publish(options, results)
    return _conclude(results) if code is None else code


def _interrupt(*_):
    raise KeyboardInterrupt


def _end(name, words, code):
    terminal.say()
    print(f"bench/{name}: {words}", file=sys.stderr)
    return code


def _conclude(results):
    """The exit code of a whole measurement, and a red line where it is not 0."""
    failed = results_file.problems(results)
    if failed:
        count = sum(len(runs) for runs in results_file.run_lists(results).values())
        terminal.say(terminal.red(f"{len(failed)} of {count} runs FAILED"))
    return 1 if failed else 0


def publish(options, results, write, table):
    """Writes results.json, the report and its charts, prints the table. `write`: (results, folder) to
    the report's path; `table`: results to text."""
    path = write(results, results_file.store(results, options.out))
    terminal.say(f"\n{table(results)}\n\nreport: {path}")
    if results["interrupted"]:
        terminal.say(terminal.red("the report holds what there was until then"))
