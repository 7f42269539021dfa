"""The report: rendered from canned results, by bench/report.py as a person would call it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import canned
import report

PROGRAM = Path(report.__file__)


def render(results, folder, seed):
    """Writes results.json and runs bench/report.py on it; {file name: bytes} of what came out."""
    path = Path(folder) / results["name"] / "results.json"
    path.parent.mkdir()
    path.write_text(json.dumps(results))
    subprocess.run([sys.executable, PROGRAM, path], check=True, capture_output=True,
                   env=os.environ | {"PYTHONHASHSEED": seed})
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(Path(folder).rglob("*")) if file.is_file()}


class Text(unittest.TestCase):
    def test_a_verification_failure_is_a_red_line_at_the_top(self):
        words = report.text(canned.results(problem="deliveries failed verification"), {})
        head = words.split("## Verdict")[0]
        self.assertIn("🔴 **Verification failed: 3 deliveries went wrong.**", head)
        self.assertIn("🔴 **1 of 12 runs failed**", head)
        self.assertIn("🔴 deliveries failed verification", words)

    def test_a_good_comparison_has_no_red_line(self):
        words = report.text(canned.results(), {})
        self.assertNotIn("🔴", words)
        self.assertIn("no violation", words)

    def test_a_run_without_a_result_is_listed_with_its_reason(self):
        results = canned.results()
        results["runs"][0] = {"round": 1, "load": "thesis-2", "server": "pipeline",
                              "problem": "pipeline ended with signal SIGSEGV under load"}
        self.assertIn("🔴 pipeline ended with signal SIGSEGV", report.text(results, {}))

    def test_a_quick_an_interrupted_and_a_disturbed_comparison_say_so(self):
        results = canned.results(rounds=1)
        results |= {"quick": True, "interrupted": True, "dirty": True}
        for run in results["runs"]:
            run["other_cpu_share"] = 0.5
        words = report.text(results, {})
        for expected in ("(quick)", "**Quick run**", "**Interrupted**", "uncommitted changes",
                         "Other programs took 50% of the machine"):
            self.assertIn(expected, words)

    def test_without_monitoring_the_report_says_why_there_are_no_curves(self):
        results = canned.results()
        for run in results["runs"]:
            del run["series"]
        words = report.text(results, {})
        self.assertIn("--no-prometheus", words)
        self.assertNotIn("server memory, peak", words)

    def test_every_row_of_every_table_has_as_many_cells_as_its_header(self):
        for table in re.findall(r"(?:^\|.*\|\n)+", report.text(canned.results(), {}), re.MULTILINE):
            self.assertEqual(len({line.count("|") for line in table.splitlines()}), 1, table)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            cls.files = render(canned.results(), folder, seed="1")

    def test_the_same_results_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(render(canned.results(), folder, seed="2"), self.files)

    def test_every_picture_is_there_small_and_linked(self):
        files = self.files
        links = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", files["2026-01-02-compare.md"].decode())
        pictures = {name for name in files if name.endswith(".svg")}
        self.assertEqual(set(links), pictures)
        self.assertEqual(len(pictures), 7)  # throughput, percentiles, 3 curves, 2 heatmaps
        for name in pictures:
            self.assertLess(len(files[name]), 150_000, name)

    def test_results_with_failures_only_still_make_a_report(self):
        results = canned.results(rounds=1)
        results["runs"] = [{"round": 1, "load": "thesis-2", "server": "uring",
                            "problem": "loadgen ended with exit code 1"}]
        with tempfile.TemporaryDirectory() as folder:
            files = render(results, folder, seed="1")
        self.assertIn("No pair of runs ended well", files["2026-01-02-compare.md"].decode())

    def test_what_is_no_result_of_a_comparison_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "results.json"
            path.write_text('{"schema_version": 2, "program": "bench/compare"}')
            finished = subprocess.run([sys.executable, PROGRAM, path], check=False,
                                      capture_output=True, text=True)
        self.assertEqual(finished.returncode, 2)
        self.assertIn("no results of bench/compare in schema version 1", finished.stderr)


if __name__ == "__main__":
    unittest.main()
