"""Numbers as people read them: three significant digits, the unit with them.

Used by the report, the charts and the terminal table, so that one figure looks the same everywhere.
"""

import math
import re

SECONDS = [(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")]
COUNTS = [(1.0, ""), (1e3, " k"), (1e6, " M"), (1e9, " G")]
BYTES = [(1.0, "B"), (2.0**10, "KiB"), (2.0**20, "MiB"), (2.0**30, "GiB")]
NOTHING = "–"

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_DURATION_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0}


def parse_duration(text):
    """Seconds of `250ms`, `10s` or `2m`; ValueError where the text is none of these, or less than 1ms."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) * _DURATION_UNITS[match[2]] < 1e-3:
        raise ValueError(f"'{text}' is no duration: write it as 250ms, 10s or 2m")
    return float(match[1]) * _DURATION_UNITS[match[2]]


def duration_text(seconds):
    """The way programs of this repository take a duration, exact to the millisecond."""
    milliseconds = round(seconds * 1000)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def significant(value):
    """Three significant digits without an exponent: 1.52, 15.2, 152, 0.00831."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    digits = 2 - math.floor(math.log10(abs(rounded)))  # 9.996 has become 10.0
    return f"{rounded:.{max(0, digits)}f}"


def _scale_of(value, scales):
    """The largest unit in which the value, rounded as it will be shown, is at least 1."""
    for factor, unit in reversed(scales):
        if abs(value) >= factor * 0.9995:
            return factor, unit
    return scales[0]


def scale_of(value, kind):
    """(factor, unit) for a value of a kind: seconds, bytes, count, rate, byte_rate (1 GB: 10^9 bytes),
    or any other, which has none."""
    if kind == "seconds":
        factor, unit = _scale_of(value, SECONDS)
        return factor, " " + unit
    if kind == "bytes":
        factor, unit = _scale_of(value, BYTES)
        return factor, " " + unit
    if kind == "count":
        return _scale_of(value, COUNTS)
    if kind == "rate":
        factor, unit = _scale_of(value, COUNTS)
        return factor, (unit or " ") + "/s"
    if kind == "byte_rate":
        factor, unit = _scale_of(value, COUNTS)
        return factor, (unit or " ") + "B/s"
    return 1.0, ""


def show(value, kind):
    """`83 µs`, `1.52 M/s`, `12.3 MiB`; a dash where there is no value."""
    if value is None:
        return NOTHING
    factor, unit = scale_of(value, kind)
    if kind == "count" and factor == 1.0 and value == int(value):
        return str(int(value))
    return significant(value / factor) + unit


def show_spread(spread, kind):
    """`83 µs (80–91)`: the median, and the range in its unit where there is more than one round."""
    if spread is None:
        return NOTHING
    text = show(spread["median"], kind)
    if spread["count"] < 2:
        return text
    factor, _ = scale_of(spread["median"], kind)
    low, high = significant(spread["min"] / factor), significant(spread["max"] / factor)
    return f"{text} ({low}–{high})" if low != high else text
