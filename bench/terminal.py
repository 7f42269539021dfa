"""What every bench script prints while it measures, within 80 columns."""

import os
import sys


def _painted(text, code):
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\033[{code}m{text}\033[0m"


def red(text):
    """Red on a terminal that may be coloured."""
    return _painted(text, "31")


def bold(text):
    """Bold on a terminal that may be."""
    return _painted(text, "1")


def say(text="", end="\n"):
    """Prints at once, also where the output is a pipe."""
    print(text, end=end, flush=True)


def run_start(place, words, load, contender):
    """The left half of a run's line, printed while it runs. `place`: (its number, of how many)."""
    position, count = place
    say(f"[{position:{len(str(count))}}/{count}] {words:<9}  {load:<10}  {contender:<11} ", end="")


def run_end(run, words):
    """The right half: what it did, in words(run), or what went wrong."""
    if run["problem"] is None:
        say(words(run))
        return
    say(red("FAILED"))
    for line in run["problem"].splitlines():
        say(red(f"    {line}"))
