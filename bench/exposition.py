"""Reads the text exposition format, as the servers' textfiles hold it."""

import re

_SAMPLE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", "\\n": "\n", '\\"': '"'}


def _unescape(text):
    return re.sub(r"\\.", lambda match: _ESCAPES.get(match[0], match[0]), text)


def parse(text):
    """(samples, types, helps): samples by (name, frozenset of label pairs); ValueError names the
    line that does not follow the format."""
    samples, types, helps = {}, {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            types[name] = kind
        elif line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            helps[name] = words
        elif line and not line.startswith("#"):
            match = _SAMPLE.fullmatch(line)
            if match is None:
                raise ValueError(f"no sample of the text format: {line}")
            labels = frozenset((name, _unescape(value))
                               for name, value in _LABEL.findall(match[2] or ""))
            samples[match[1], labels] = float(match[3])
    return samples, types, helps


def total(samples, name):
    """A metric summed over its labels; None where it is absent."""
    values = [value for (sample, _), value in samples.items() if sample == name]
    return sum(values) if values else None
