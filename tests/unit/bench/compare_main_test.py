import contextlib
import io
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import canned
import compare_main
import results_file
from child import ChildError


def compare(results, failure):
    """main() with every part that takes time left out; (exit code, results published or None)."""
    def measure(_, found):
        found["runs"] += canned.results()["runs"][:results]
        if failure is not None:
            raise failure

    with mock.patch.multiple(compare_main, prepare=mock.DEFAULT, publish=mock.DEFAULT,
                             measure=measure,
                             describe=lambda *_: canned.results() | {"runs": []}) as parts, \
            contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        code = compare_main.main(["--no-prometheus"])
    published = parts["publish"].call_args
    return code, None if published is None else published.args[1]


class Ending(unittest.TestCase):
    def test_what_was_measured_is_published_whatever_ends_the_comparison(self):
        for failure, expected in ((ChildError("no"), 1), (OSError("no"), 1),
                                  (KeyboardInterrupt(), 130)):
            with self.subTest(failure=failure):
                code, published = compare(3, failure)
                self.assertEqual(code, expected)
                self.assertEqual((len(published["runs"]), published["interrupted"]), (3, True))

    def test_without_a_single_run_there_is_nothing_to_publish(self):
        self.assertEqual(compare(0, ChildError("no")), (1, None))
        self.assertEqual(compare(0, KeyboardInterrupt()), (130, None))

    def test_a_whole_comparison_is_no_interrupted_one(self):
        code, published = compare(3, None)
        self.assertEqual((code, published["interrupted"]), (0, False))


class Names(unittest.TestCase):
    def test_a_second_report_of_a_day_does_not_take_the_first_one_s_place(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.assertEqual(results_file.unused_name(folder, "day"), "day")
            (folder / "day.md").touch()
            self.assertEqual(results_file.unused_name(folder, "day"), "day-2")
            (folder / "day-2").mkdir()
            self.assertEqual(results_file.unused_name(folder, "day"), "day-3")


if __name__ == "__main__":
    unittest.main()
