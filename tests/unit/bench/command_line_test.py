import argparse
import contextlib
import io
import unittest
from pathlib import Path

import command_line
import compare_main
import fanout_main
import history_main
from history_parts import PARTS


def refused(parse, *arguments):
    """The last line of what a person is told, who must be told that with exit code 2."""
    with contextlib.redirect_stderr(io.StringIO()) as told:
        try:
            parse(arguments)
        except SystemExit as ended:
            assert ended.code == 2, ended.code
            return told.getvalue().splitlines()[-1]
    raise AssertionError(f"{arguments} were taken")


class Values(unittest.TestCase):
    def test_bad_values_are_refused_with_what_is_allowed(self):
        for arguments, words in ((["--messages", "999"], "1000 to 10000000"),
                                 (["--rooms", "0"], "1 to 20000"), (["--rooms", "²"], "1 to 20000"),
                                 (["--server", "redis"], "choose from uring"),
                                 (["--duration", "3"], "250ms, 10s or 2m"),
                                 (["--duration", "0.4ms"], "250ms, 10s or 2m"),
                                 (["--rounds", "0"], "1 to 100"), (["--rounds", "²"], "1 to 100")):
            with self.subTest(arguments=arguments):
                self.assertIn(words, refused(history_main.parse_arguments, *arguments))

    def test_a_server_may_be_named_as_its_label_or_its_program(self):
        server = command_line.server_of(("pipeline", "uring", "uring-epoll"))
        self.assertEqual([server(text) for text in ("uring", "pipeline-server", "uring-epoll")],
                         ["uring", "pipeline", "uring-epoll"])
        with self.assertRaisesRegex(argparse.ArgumentTypeError, "'redis' is no server: choose from pipeline"):
            server("redis")

    def test_a_load_without_any_contender_for_it_is_refused(self):
        self.assertIn("nothing to measure",
                      refused(fanout_main.parse_arguments, "--contender", "floor", "--load", "idle"))


class Defaults(unittest.TestCase):
    def test_quick_changes_only_what_was_not_given(self):
        options = history_main.parse_arguments(["--quick", "--messages", "5000", "--server", "uring-server"])
        self.assertEqual((options.rounds, options.messages, options.server), (1, 5000, ["uring"]))

    def test_without_quick_all_scripts_make_five_rounds(self):
        for script in (compare_main, fanout_main, history_main):
            self.assertEqual(script.parse_arguments([]).rounds, 5)

    def test_quick_leaves_out_variants_of_contenders(self):
        self.assertIn("uring-4", fanout_main.parse_arguments([]).contender)
        self.assertNotIn("uring-4", fanout_main.parse_arguments(["--quick"]).contender)
        self.assertNotIn("naive", fanout_main.parse_arguments(["--quick"]).contender)

    def test_a_build_folder_is_named_from_where_the_person_is(self):
        self.assertEqual(compare_main.parse_arguments(["--build", "x"]).build, Path("x").resolve())


class Order(unittest.TestCase):
    def test_a_server_s_parts_of_a_history_follow_each_other_and_turn_round(self):
        options = history_main.parse_arguments(["--rounds", "2", "--server", "uring"])
        parts = [(number, part.name) for number, part, _ in history_main.order(options)]
        self.assertEqual(parts[:5], [(1, name) for name in PARTS])
        self.assertEqual(parts[5:], [(2, name) for name in reversed(PARTS)])

    def test_the_floor_has_no_turn_where_it_has_no_meaning(self):
        options = fanout_main.parse_arguments(["--load", "w1", "--load", "pairs-w1"])
        floor = [load.name for _, load, contender in fanout_main.order(options, 1)
                 if contender.label == "floor"]
        self.assertEqual(floor, ["w1"])

    def test_the_naive_server_gets_no_idle_connections(self):
        options = fanout_main.parse_arguments(["--load", "w1", "--load", "idle"])
        naive = [load.name for _, load, contender in fanout_main.order(options, 1)
                 if contender.label == "naive"]
        self.assertEqual(naive, ["w1"])

    def test_who_shares_the_floor_s_cpu_has_its_turns(self):
        options = fanout_main.parse_arguments(["--load", "w1", "--load", "pairs-w1"])
        bound = [load.name for _, load, contender in fanout_main.order(options, 1)
                 if contender.label == "uring-1-cpu"]
        self.assertEqual(bound, ["w1"])

    def test_histories_are_for_servers_that_keep_them(self):
        self.assertEqual(history_main.SERVERS, ["uring", "uring-epoll", "pipeline", "uring-1", "uring-4"])


if __name__ == "__main__":
    unittest.main()
