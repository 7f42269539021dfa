import unittest

import canned
from compare_summary import METRICS, figures, judge, judgements, summarise, violations
from results_file import problems

METRIC = {metric.name: metric for metric in METRICS}


def judged(results, name):
    return judge(results, results["loads"][0], METRIC[name])


class Judging(unittest.TestCase):
    def test_ranges_that_lie_apart_make_a_clear_difference(self):
        judgement = judged(canned.results(faster=1.5), "deliveries_per_second")
        self.assertTrue(judgement.clear)
        self.assertEqual((judgement.better, judgement.worse), ("uring", "pipeline"))
        self.assertAlmostEqual(judgement.ratio["median"], 1.5, delta=0.07)
        self.assertLessEqual(judgement.ratio["min"], judgement.ratio["median"])

    def test_ranges_that_overlap_make_none(self):
        self.assertFalse(judged(canned.results(faster=1.001), "deliveries_per_second").clear)

    def test_where_less_is_better_the_smaller_one_is_ahead(self):
        judgement = judged(canned.results(faster=0.5), "own_copy_p99")
        self.assertEqual(judgement.better, "pipeline")
        self.assertAlmostEqual(judgement.ratio["median"], 2.0, delta=0.1)

    def test_four_rounds_are_too_few_to_be_clear(self):
        self.assertFalse(judged(canned.results(rounds=4), "deliveries_per_second").clear)

    def test_a_thesis_is_judged_by_its_messages_and_not_by_the_history_it_replays(self):
        judged_on = {(judgement.load, judgement.metric.name)
                     for judgement in judgements(canned.results())}
        self.assertIn(("thesis-2", "messages_per_cpu_second"), judged_on)
        self.assertNotIn(("thesis-2", "deliveries_per_cpu_second"), judged_on)
        self.assertIn(("fanout-100", "deliveries_per_cpu_second"), judged_on)

    def test_messages_per_cpu_second_are_those_that_came_back_over_the_server_s_time(self):
        run = canned.results()["runs"][0]
        rate = run["loadgen"]["rates"]["achieved_messages_per_second"]
        self.assertAlmostEqual(figures(run)["messages_per_cpu_second"], rate * 4.0 / 2.0)

    def test_one_contender_alone_is_not_judged(self):
        self.assertIsNone(judged(canned.results(servers=("uring",)), "own_copy_p50"))

    def test_the_two_best_of_three_are_judged(self):
        results = canned.results(servers=("pipeline", "uring", "uring-epoll"))
        judgement = judged(results, "deliveries_per_second")
        self.assertNotEqual(judgement.worse, "pipeline")

    def test_the_last_member_is_judged_under_fanout_only(self):
        loads = {judgement.load for judgement in judgements(canned.results())
                 if judgement.metric.name.startswith("last_member")}
        self.assertEqual(loads, {"fanout-100"})

    def test_a_zero_is_no_divisor(self):
        results = canned.results()
        for run in results["runs"]:
            run["server_counters"]["system_calls"] = 0.0
        self.assertIsNone(judged(results, "system_calls_per_delivery"))


class Failures(unittest.TestCase):
    def test_a_failed_run_is_listed_and_counts_in_no_figure(self):
        results = canned.results(problem="deliveries failed verification")
        self.assertEqual(len(problems(results)), 1)
        self.assertEqual(violations(results)["lost"], 3)
        summary = summarise(results)["thesis-2"]["pipeline"]
        self.assertEqual(summary["deliveries_per_second"]["count"], 4)

    def test_a_run_without_any_result_has_no_figures(self):
        found = figures({"problem": "the server died under load"})
        self.assertEqual(set(found.values()), {None})

    def test_a_percentile_that_the_samples_do_not_support_stays_unknown(self):
        summary = summarise(canned.results())["thesis-2"]["uring"]["latencies"]["own_copy"]
        self.assertIsNone(summary["p999_ns"])
        self.assertEqual(summary["p50_ns"]["count"], 5)


if __name__ == "__main__":
    unittest.main()
