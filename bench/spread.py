"""Medians with their range: of a figure over the rounds, and of how two of them stand to each other."""

from statistics import median

# The ranges of two equal contenders lie apart by chance in 2 of C(2n, n) cases: 10 % with three
# rounds, 0.8 % with five. What fewer show is called an indication.
ROUNDS_FOR_VERDICT = 5


def spread(values):
    """Median and range of the values there are; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": median(known), "min": min(known), "max": max(known), "count": len(known)}


def ratio(above, below):
    """The ratio of the medians with its range over the rounds that both have; the arguments are
    {round: value}. Values that are None or 0 are left out; None where no round is left."""
    above, below = ({number: value for number, value in values.items() if value}
                    for values in (above, below))
    by_round = spread([above[number] / below[number] for number in above.keys() & below.keys()])
    return by_round and by_round | {"median": median(above.values()) / median(below.values())}
