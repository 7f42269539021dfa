#!/usr/bin/python3
"""Writes a comparison's report and charts from its results.json, and from nothing else: the same
results give the same bytes.

    bench/report.py docs/reports/2026-11-26-compare/results.json
"""

import json
import sys
from pathlib import Path

import compare_sections as sections
import compare_verdict as verdict
from compare_summary import summarise


def text(results, charts):
    """The report; `charts` maps names to paths as the report must link them."""
    summary = summarise(results)
    parts = [*sections.head(results), "## Verdict", verdict.paragraph(results),
             "## Who is ahead in what", sections.headline(results, summary),
             sections.replayed(results),
             *sections.picture(charts, "throughput", "Throughput per second and per CPU-second"),
             "## Where each one loses", *sections.losses(results),
             "## Verification", *sections.verification(results),
             "## Latency", *sections.picture(charts, "percentiles", "Latency by percentile"),
             *sections.latency(results, summary),
             *sections.heatmaps(results, charts),
             "## CPU, memory and deliveries over time", *sections.over_time(results, charts),
             "## How to read this", sections.READING.rstrip(),
             "## Machine and build", sections.machine(results),
             "## Commands", *sections.commands(results)]
    return "\n\n".join(parts) + "\n"


def write(results, folder):
    """Draws the charts into `folder`, that of results.json, and writes the report beside it, as
    FOLDER.md; returns the report's path."""
    import compare_charts as charts  # here, so that reading and judging results needs no matplotlib

    folder = Path(folder)
    for old in folder.glob("*.svg"):
        old.unlink()
    files = charts.draw(results, folder)
    path = folder.parent / f"{folder.name}.md"
    path.write_text(text(results, {name: f"{folder.name}/{file}"
                                   for name, file in files.items()}))
    return path


def load(path):
    """Reads results.json; ValueError where it is another format."""
    results = json.loads(Path(path).read_text())
    if results.get("schema_version") != 1 or results.get("program") != "bench/compare":
        raise ValueError(f"{path} holds no results of bench/compare in schema version 1")
    return results


def main():
    """Renders again; exit 2 where the argument is no results.json."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if "-h" in sys.argv or "--help" in sys.argv else 2
    try:
        results = load(sys.argv[1])
    except (OSError, ValueError) as error:
        print(f"bench/report.py: {error}", file=sys.stderr)
        return 2
    print(write(results, Path(sys.argv[1]).resolve().parent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
