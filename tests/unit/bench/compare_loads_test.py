import unittest

from compare_loads import LOADS, server_label
from turns import turns


class Turns(unittest.TestCase):
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


class Names(unittest.TestCase):
    def test_a_server_may_be_named_as_its_label_or_its_program(self):
        self.assertEqual(server_label("uring"), "uring")
        self.assertEqual(server_label("pipeline-server"), "pipeline")
        self.assertEqual(server_label("uring-epoll"), "uring-epoll")

    def test_an_unknown_server_is_refused_with_the_choice(self):
        with self.assertRaisesRegex(ValueError, "'redis' is no server: choose from pipeline"):
            server_label("redis")


if __name__ == "__main__":
    unittest.main()
