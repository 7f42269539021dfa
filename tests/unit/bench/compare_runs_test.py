import os
import tempfile
import unittest
from unittest import mock

import load_generator
from compare_loads import SERVERS
from compare_runs import Runner, _peak_memory, take_apart, without_buckets


class TakeApart(unittest.TestCase):
    def test_cumulative_buckets_become_counts_in_each_bucket(self):
        cumulative = [(float("inf"), {11.0: 10.0, 12.0: 20.0}), (0.1, {11.0: 4.0, 12.0: 5.0}),
                      (0.2, {11.0: 9.0, 12.0: 20.0})]
        self.assertEqual(take_apart(cumulative, 10.0), {
            "bounds": [0.1, 0.2, None], "times": [1.0, 2.0],
            "rows": [[4.0, 5.0], [5.0, 15.0], [1.0, 0.0]]})

    def test_a_bucket_without_a_value_at_some_time_counts_as_empty(self):
        cumulative = [(0.1, {11.0: 4.0}), (0.2, {11.0: 4.0, 12.0: 6.0})]
        self.assertEqual(take_apart(cumulative, 10.0)["rows"], [[4.0, 0.0], [0.0, 6.0]])

    def test_no_series_make_an_empty_map(self):
        self.assertEqual(take_apart([], 0.0), {"bounds": [], "times": [], "rows": []})


class Buckets(unittest.TestCase):
    def test_reports_keep_a_result_without_the_buckets(self):
        result = {"schema_version": 2, "latencies": {
            "own_copy": {"count": 1, "p50_ns": None, "buckets": [[7, 1]]}, "send_lag": {"count": 1}}}
        self.assertEqual(without_buckets(result), {"schema_version": 2, "latencies": {
            "own_copy": {"count": 1, "p50_ns": None}, "send_lag": {"count": 1}}})


class PeakMemory(unittest.TestCase):
    def test_memory_that_was_given_back_is_still_in_the_peak(self):
        before = _peak_memory(os.getpid())
        bytearray(os.urandom(1)) * (64 << 20)  # written to, and gone at once
        self.assertGreater(_peak_memory(os.getpid()), before + (32 << 20))

    def test_a_process_that_is_gone_has_none(self):
        self.assertIsNone(_peak_memory(2**22 + 1))


class InvalidRun(unittest.TestCase):
    def test_a_wrong_delivery_is_the_reason_before_a_late_load_generator(self):
        late = {"generator_limit": "it was late", "violations": {"lost": 0}}
        self.assertEqual(load_generator.why_invalid(late), "it was late")
        failed = "deliveries failed verification"
        self.assertEqual(load_generator.why_invalid({**late, "violations": {"lost": 1}}), failed)
        self.assertEqual(load_generator.why_invalid({"messages": 3}), failed)  # the floor's
        self.assertEqual(load_generator.why_invalid(None), failed)


class Attempt(unittest.TestCase):
    def test_a_result_that_holds_no_figures_is_a_failed_run_and_ends_nothing(self):
        with tempfile.TemporaryDirectory() as work:
            runner = Runner("build", work, {"warm_up_seconds": 0.5}, "textfiles", mock.Mock())

            def measure(run):
                run["figures"] = {"rate": 1}
                return {}["last_member"]

            run = runner._attempt({}, measure)
        self.assertIn("no figures can be made of its result: KeyError('last_member')", run["problem"])
        self.assertEqual(run["figures"], {})


class Curves(unittest.TestCase):
    def test_a_run_shorter_than_the_windows_has_no_curves_and_asks_for_none(self):
        monitoring = mock.Mock()
        runner = Runner("build", "work", {"warm_up_seconds": 0.5}, "textfiles", monitoring)
        series = runner._series(SERVERS["uring"], 1000.0, 1000.9)
        monitoring.query_range.assert_not_called()
        self.assertEqual((series["deliveries"], series["heatmap"]["rows"]), ([], []))


if __name__ == "__main__":
    unittest.main()
