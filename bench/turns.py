"""The order in which contenders take turns."""


def turns(rounds, contenders, loads):
    """(round, load, contender) in order of execution: contenders alternate within a load, and each
    round reverses the order of the one before (ABBA), so that a machine that grows slower or faster
    favours nobody."""
    order = []
    for number in range(1, rounds + 1):
        line = list(contenders) if number % 2 else list(reversed(contenders))
        order += [(number, load, contender) for load in loads for contender in line]
    return order
