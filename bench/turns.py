"""The order in which contenders take turns, and the runs that they take."""

import terminal


def turns(rounds, contenders, loads):
    """(round, load, contender) in order of execution: contenders alternate within a load, and each
    round reverses the order of the one before (ABBA), so that a machine that grows slower or faster
    favours nobody."""
    order = []
    for number in range(1, rounds + 1):
        line = list(contenders) if number % 2 else list(reversed(contenders))
        order += [(number, load, contender) for load in loads for contender in line]
    return order


def take(order, runs, take_run, words, *, before=0, after=0, said="round {}"):
    """Takes a run for each (round, load, contender), appends it to `runs` and prints a line on it that
    ends in words(run). So many runs of another kind come before and after these."""
    count = before + len(order) + after
    for position, (number, load, contender) in enumerate(order, before + 1):
        terminal.run_start((position, count), said.format(number), load.name, contender.label)
        runs.append(take_run(number, load, contender))
        terminal.run_end(runs[-1], words)
