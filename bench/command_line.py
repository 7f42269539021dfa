"""Options of the bench scripts: those that all of them have, and types for argparse."""

import argparse
from pathlib import Path

from preparation import ROOT
from units import duration_text, parse_duration


def duration(text):
    """Seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(least, most, what):
    """A whole number within bounds."""
    def check(text):
        if not text.isdecimal() or not text.isascii() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"'{text}' is no number of {what}: {least} to {most}")
        return int(text)
    return check


def one_of(known, what):
    """A name among those known."""
    def check(text):
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"'{text}' is no {what}: choose from {', '.join(known)}")
        return text
    return check


def server_of(known):
    """A server by its label or its program: `pipeline` and `pipeline-server` name the same."""
    check = one_of(known, "server")
    return lambda text: check(text if text in known else text.removesuffix("-server"))


def parser(script, description, examples):
    """For bench/SCRIPT."""
    return argparse.ArgumentParser(prog=f"bench/{script}", description=description, epilog=examples,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)


def _add_times(to, full, quick, process):
    def default(name):
        full_text, quick_text = (f"{seconds:g}s" if seconds >= 1 else duration_text(seconds)
                                 for seconds in (full[name], quick[name]))
        return f"(default {full_text}, with --quick {quick_text})"

    to.add_argument("--rounds", type=number(1, 100, "rounds"), metavar="N",
                    help=f"fresh processes per {process} (default {full['rounds']}, with --quick "
                         f"{quick['rounds']})")
    to.add_argument("--duration", type=duration, metavar="TIME",
                    help=f"measured part of a run, as 500ms, 10s, 2m {default('duration')}")
    to.add_argument("--warm-up", type=duration, metavar="TIME",
                    help=f"load before that {default('warm_up')}")


def parse(to, arguments, full, quick, *, process, quickly, present="the packages are"):
    """Adds the options that every script has to the parser and parses. What is not given comes from
    `full` or, with --quick, from `quick`, which have the same names. `process`, `quickly` and
    `present` are words for the help."""
    _add_times(to, full, quick, process)
    to.add_argument("--quick", action="store_true", help=f"{quickly}; the report says so")
    to.add_argument("--no-bootstrap", action="store_true",
                    help=f"do not call tools/bootstrap: {present} there")
    to.add_argument("--build", type=Path, default=ROOT / "build", metavar="DIR",
                    help="build folder, set up where it is missing (default build)")
    to.add_argument("--out", type=Path, default=ROOT / "docs/reports", metavar="DIR",
                    help="where the report goes (default docs/reports)")
    options = to.parse_args(arguments)
    for name, value in (quick if options.quick else full).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.build = options.build.resolve()
    return options
