import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import canned
import results_file
import script
from child import ChildError
from preparation import Unprepared


def run(count, failure=None, problem=None):
    """A script that has made so many runs when `failure` ends it: (exit code, results published or
    None, what was told on standard error)."""
    def measure(_, results):
        results["runs"] += canned.results(problem=problem)["runs"][:count]
        if failure is not None:
            raise failure

    publish = mock.Mock()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
        code = script.run("compare", None, [], prepare=mock.Mock(), measure=measure, publish=publish,
                          describe=lambda *_: canned.results() | {"runs": []})
    published = publish.call_args
    return code, None if published is None else published.args[1], told.getvalue()


class Ending(unittest.TestCase):
    def test_what_was_measured_is_published_whatever_ends_a_script(self):
        for failure, expected in ((ChildError("no"), 1), (OSError("no"), 1), (Unprepared("no"), 1),
                                  (KeyboardInterrupt(), 130)):
            with self.subTest(failure=failure):
                code, published, told = run(3, failure)
                self.assertEqual(code, expected)
                self.assertEqual((len(published["runs"]), published["interrupted"]), (3, True))
                self.assertIn("no" if expected == 1 else "interrupted", told)

    def test_without_a_single_run_there_is_nothing_to_publish(self):
        self.assertEqual(run(0, ChildError("no")), (1, None, "bench/compare: no\n"))
        self.assertEqual(run(0, KeyboardInterrupt()), (130, None, "bench/compare: interrupted\n"))

    def test_a_whole_measurement_is_no_interrupted_one(self):
        code, published, _ = run(3)
        self.assertEqual((code, published["interrupted"]), (0, False))

    def test_a_failed_run_ends_no_script_and_makes_the_exit_code(self):
        code, published, _ = run(3, problem="it died")
        self.assertEqual((code, len(published["runs"]), published["interrupted"]), (1, 3, False))


class Publishing(unittest.TestCase):
    def test_a_second_report_of_a_day_does_not_take_the_first_one_s_place(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.assertEqual(results_file.unused_name(folder, "day"), "day")
            (folder / "day.md").touch()
            self.assertEqual(results_file.unused_name(folder, "day"), "day-2")
            (folder / "day-2").mkdir()
            self.assertEqual(results_file.unused_name(folder, "day"), "day-3")

    def test_results_lie_in_a_folder_of_their_name_beside_the_report(self):
        results = canned.results(rounds=1)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()) as told:
            script.publish(mock.Mock(out=Path(name)), results,
                           write=lambda _, folder: folder.parent / "report.md", table=lambda _: "table")
            text = (Path(name) / "2026-01-02-compare/results.json").read_text()
        self.assertEqual(text, results_file.dump(results))
        self.assertEqual(told.getvalue(), f"\ntable\n\nreport: {name}/report.md\n")


if __name__ == "__main__":
    unittest.main()
