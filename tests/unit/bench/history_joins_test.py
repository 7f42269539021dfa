"""Which joins count. The reader joins from before the load's set-up to the load generator's end, and all of
these joins were in the figures: those of set-up, warm-up and drain, when nobody else wanted the server, and
one that outlasted the load. What was called the rate beside a load was partly that without one."""

import tempfile
import unittest
from types import SimpleNamespace
from unittest import mock

import history_joins
import history_runs
import load_generator
from history_client import Stream
from history_joins import Join, figures, load_window, own_window
from history_parts import PARTS

HISTORY_BYTES = 10**8


def join(ended, seconds, answer_seconds=0.0, server_seconds=0.0, reader_seconds=0.0):
    return Join(Stream(answer_seconds, seconds, HISTORY_BYTES), ended, server_seconds, reader_seconds)


class Window(unittest.TestCase):
    # Set-up until 101, measured from 102 to 104, drained until 105: joins of a second in the window, five
    # times as fast around it.
    JOINS = [join(100.5, 0.5, answer_seconds=0.3), join(100.9, 0.2), join(101.8, 0.2, 9.0, 9.0),
             join(103.0, 1.0, server_seconds=0.06, reader_seconds=0.03),
             join(104.0, 1.0, server_seconds=0.04, reader_seconds=0.01), join(104.2, 0.2, 9.0, 9.0),
             join(104.4, 0.2)]
    WINDOW = 102.0, 104.0

    def test_joins_of_set_up_warm_up_and_drain_are_in_no_figure(self):
        found = figures(self.JOINS, self.WINDOW)
        self.assertEqual((found["streams"], found["joins_per_second"]), (2, 1.0))
        self.assertAlmostEqual(found["stream_rate"], HISTORY_BYTES)
        self.assertAlmostEqual(found["server_cpu_per_gigabyte"], 0.5)
        self.assertAlmostEqual(found["reader_cpu_per_gigabyte"], 0.2)

    def test_a_join_that_outlasts_the_load_does_not_count(self):
        found = figures([*self.JOINS[:4], join(109.0, 6.0)], self.WINDOW)
        self.assertEqual((found["streams"], found["joins_per_second"]), (1, 0.5))
        self.assertAlmostEqual(found["stream_rate"], HISTORY_BYTES)

    def test_the_first_join_stands_apart_also_where_it_ends_in_the_window(self):
        found = figures([join(103.0, 3.0, answer_seconds=0.5), join(103.5, 0.5)], self.WINDOW)
        self.assertEqual((found["streams"], found["first_answer"]), (1, 0.5))
        self.assertEqual(found["joins_per_second"], 1.0)  # one in the second that was left
        self.assertAlmostEqual(found["first_stream_rate"], HISTORY_BYTES / 3.0)

    def test_without_a_join_in_the_window_there_is_no_rate(self):
        found = figures([join(100.5, 0.5), join(109.0, 8.0)], self.WINDOW)
        self.assertEqual((found["streams"], found["joins_per_second"], found["stream_rate"],
                          found["reader_cpu_per_gigabyte"]), (0, 0.0, None, None))
        self.assertIsNone(figures([join(109.0, 9.0), join(110.0, 1.0)], self.WINDOW)["joins_per_second"])

    def test_joins_that_nothing_else_went_on_beside_count_all_but_the_first(self):
        joins = [join(101.0, 1.0), join(101.1, 0.1, server_seconds=0.06), join(101.3, 0.2, server_seconds=0.02)]
        found = figures(joins, own_window(joins))
        self.assertAlmostEqual(found["joins_per_second"], 2 / 0.3, places=3)
        self.assertAlmostEqual(found["stream_rate"], 0.75e9)
        self.assertAlmostEqual(found["server_cpu_per_gigabyte"], 0.4)

    def test_a_load_measures_from_its_window_s_start_for_the_measured_time(self):
        self.assertEqual(load_window({"window_started_unix_seconds": 100.5, "measured_seconds": 2.0}),
                         (100.5, 102.5))


class Reading(unittest.TestCase):
    def test_there_is_a_join_beside_the_first_even_where_it_is_enough_at_once(self):
        client = mock.Mock(read_history=mock.Mock(return_value=Stream(0.0, 1.0, HISTORY_BYTES)))
        joins = history_joins.read(client, 1000, 1, lambda: True, 60.0)
        self.assertEqual(len(joins), 2)
        self.assertLessEqual(joins[0].ended, joins[1].ended)

    def test_a_run_counts_the_joins_of_the_load_s_measured_window(self):
        result = {"window_started_unix_seconds": 102.0, "measured_seconds": 2.0, "violations": {"lost": 0},
                  "rates": {"achieved_messages_per_second": 999.0}, "latencies": {},
                  "server": {"cpu_seconds": 1.0}, "loadgen": {"cpu_seconds": 0.5}}
        child = SimpleNamespace(arguments=[], pid=1, wait=lambda _: 0, kill=lambda: None, exit_code=lambda: 0)
        settings = {"messages": 1000, "duration_seconds": 2.0, "warm_up_seconds": 1.0}
        run = {"round": 1, "contender": "uring"}
        with tempfile.TemporaryDirectory() as work, \
                mock.patch.multiple(load_generator, start=lambda *_, **__: child, result=lambda _: result), \
                mock.patch.object(history_joins, "read", lambda *_: Window.JOINS):
            runner = history_runs.Runner("build", work, settings, data=None)
            runner._load(run, PARTS["joins"], child, 1, reader=None, source=child)
        self.assertEqual((run["figures"]["joins_per_second"], run["figures"]["stream_rate"]),
                         (1.0, HISTORY_BYTES))
        self.assertNotIn("server_cpu_per_gigabyte", run["figures"])  # the others are in it


if __name__ == "__main__":
    unittest.main()
