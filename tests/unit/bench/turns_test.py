import contextlib
import io
import unittest
from types import SimpleNamespace

from compare_loads import LOADS
from turns import take, turns


class Order(unittest.TestCase):
    def test_contenders_take_turns_and_every_second_round_reverses_them(self):
        order = turns(3, ["a", "b"], LOADS[:1])
        self.assertEqual([(number, server) for number, _, server in order],
                         [(1, "a"), (1, "b"), (2, "b"), (2, "a"), (3, "a"), (3, "b")])

    def test_everybody_meets_every_load_in_every_round(self):
        order = turns(4, ["a", "b", "c"], LOADS)
        self.assertEqual(len(order), 4 * 3 * len(LOADS))
        self.assertEqual(len(set(order)), len(order))

    def test_contenders_run_back_to_back_under_one_load(self):
        loads = [load.name for _, load, _ in turns(1, ["a", "b"], LOADS)]
        self.assertEqual(loads[0::2], loads[1::2])


class Taking(unittest.TestCase):
    def test_every_run_is_kept_and_told_and_a_failed_one_with_all_that_is_known(self):
        order = turns(1, [SimpleNamespace(label="a"), SimpleNamespace(label="b")], LOADS[:1])
        runs = []

        def take_run(number, load, contender):
            return {"problem": "it died\nits last words" if contender.label == "b" else None}

        with contextlib.redirect_stdout(io.StringIO()) as told:
            take(order, runs, take_run, lambda run: "well done", after=1)
        self.assertEqual([run["problem"] for run in runs], [None, "it died\nits last words"])
        self.assertEqual([line.rstrip() for line in told.getvalue().splitlines()],
                         ["[1/3] round 1    thesis-2    a           well done",
                          "[2/3] round 1    thesis-2    b           FAILED",
                          "    it died", "    its last words"])


if __name__ == "__main__":
    unittest.main()
