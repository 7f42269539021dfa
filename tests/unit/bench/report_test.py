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
import compare_sections as sections

PROGRAM = Path(report.__file__)


def one_load():
    """Every kind of chart, few panels: drawing is what takes time."""
    results = canned.results(rounds=2)
    del results["loads"][1:]
    results["runs"] = [run for run in results["runs"] if run["load"] == "thesis-2"]
    return results


def store(results, folder):
    """Writes results.json where bench/compare would; its path."""
    path = Path(folder) / results["name"] / "results.json"
    path.parent.mkdir()
    path.write_text(json.dumps(results))
    return path


def files_below(folder):
    """{file name: bytes}"""
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(Path(folder).rglob("*")) if file.is_file()}


def render(results, folder):
    """What is in the folder after the report was written."""
    report.write(results, store(results, folder).parent)
    return files_below(folder)


class Text(unittest.TestCase):
    def test_a_verification_failure_is_a_red_line_at_the_top(self):
        words = report.text(canned.results(problem="deliveries failed verification"), {})
        head = words.split("## Verdict")[0]
        self.assertIn("🔴 **Verification failed: 3 deliveries went wrong.**", head)
        self.assertIn("🔴 **1 of 20 runs failed**", head)
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
        self.assertIn("server memory, peak", words)  # which is the process's own figure

    def test_the_load_generator_s_share_is_told_and_a_busy_one_is_an_alarm(self):
        results = canned.results()
        words = report.text(results, {})
        self.assertIn("| load generator, cores | 0.500 | 0.500 |", words)
        self.assertNotIn("The load generator was the limit", words)
        for run in results["runs"]:
            if run["load"] == "fanout-100" and run["server"] == "uring":
                run["loadgen"]["loadgen"]["cpu_seconds"] = 3.9
        head = report.text(results, {}).split("## Verdict")[0]
        self.assertIn("**The load generator was the limit** of uring-server under fan-out, one room "
                      "of 100 (0.97 of its one core)", head)
        self.assertEqual(head.count("was the limit"), 1)

    def test_the_check_of_delivery_rates_looks_at_the_measured_window_alone(self):
        results = canned.results()
        for run in results["runs"]:
            rate = run["series"]["deliveries"][0][1]
            # Warm-up 1 s, then 3 s measured; each value looks back 2 s.
            run["series"]["deliveries"] = [[2.0, rate / 2], [3.0, rate], [4.0, rate], [5.0, 0.0]]
        self.assertIn("own count by 0.0% in the median run, 0.0% at most",
                      sections.over_time(results, {"cpu": "cpu.svg"})[-1])

    def test_where_and_how_safely_histories_were_written_is_told(self):
        words = report.text(canned.results(), {})
        self.assertIn("| histories | on ext4, --fsync=interval:1000 |", words)
        self.assertIn("CONFIG_IRQ_TIME_ACCOUNTING) | on |", words)

    def test_the_command_to_render_again_names_the_folder_of_the_report(self):
        results = canned.results() | {"reports": "/tmp/elsewhere"}
        self.assertIn("`bench/report.py /tmp/elsewhere/2026-01-02-compare/results.json`",
                      report.text(results, {}))

    def test_every_row_of_every_table_has_as_many_cells_as_its_header(self):
        for table in re.findall(r"(?:^\|.*\|\n)+", report.text(canned.results(), {}), re.MULTILINE):
            self.assertEqual(len({line.count("|") for line in table.splitlines()}), 1, table)


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Renders twice at the same time: here, and as a person would."""
        with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there, \
                subprocess.Popen([sys.executable, PROGRAM, store(one_load(), there)],
                                 stdout=subprocess.DEVNULL,
                                 env=os.environ | {"PYTHONHASHSEED": "2"}) as program:
            cls.files = render(one_load(), here)
            cls.code = program.wait(60.0)
            cls.files_of_program = files_below(there)

    def test_the_same_results_give_the_same_bytes(self):
        self.assertEqual(self.code, 0)
        self.assertEqual(self.files_of_program, self.files)

    def test_every_picture_is_there_small_and_linked(self):
        files = self.files
        links = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", files["2026-01-02-compare.md"].decode())
        pictures = {name for name in files if name.endswith(".svg")}
        self.assertEqual(set(links), pictures)
        self.assertEqual(len(pictures), 6)  # throughput, percentiles, 3 curves, a heatmap
        for name in pictures:
            self.assertLess(len(files[name]), 150_000, name)

    def test_results_with_failures_only_still_make_a_report(self):
        results = one_load()
        results["runs"] = [{"round": 1, "load": "thesis-2", "server": "uring",
                            "problem": "loadgen ended with exit code 1"}]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "moved"  # the report is named as its folder is
            folder.mkdir()
            self.assertEqual(report.write(results, folder), Path(name) / "moved.md")
            self.assertIn("No pair of runs ended well", (Path(name) / "moved.md").read_text())

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
