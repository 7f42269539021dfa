import unittest

import canned
import compare_verdict as verdict


class Words(unittest.TestCase):
    def test_the_verdict_names_who_is_ahead_under_which_load_and_by_how_much(self):
        words = verdict.paragraph(canned.results(faster=1.5))
        self.assertRegex(words, r"Deliveries per second: uring-server is ahead with 2 clients by "
                                r"1\.\d\d × \(1\.\d\d–1\.\d\d\) and fan-out by 1\.\d\d ×")
        self.assertIn("the clearly better one is pipeline-server in 0 and uring-server in", words)

    def test_the_verdict_turns_around_with_the_figures(self):
        words = verdict.paragraph(canned.results(faster=0.5))
        self.assertIn("Deliveries per second: pipeline-server is ahead with", words)
        self.assertNotIn("uring-server is ahead", words)

    def test_overlapping_ranges_are_said_to_be_no_clear_difference(self):
        words = verdict.paragraph(canned.results(faster=1.001))
        self.assertIn("Deliveries per second: no clear difference with 2 clients and fan-out.",
                      words)

    def test_one_round_gives_an_indication_and_no_verdict(self):
        words = verdict.paragraph(canned.results(rounds=1))
        self.assertIn("an indication and no verdict", words)
        self.assertNotIn("clear", words)

    def test_one_server_is_compared_with_nothing(self):
        self.assertIn("nothing to compare", verdict.paragraph(canned.results(servers=("uring",))))

    def test_no_good_run_leaves_nothing_to_compare(self):
        results = canned.results()
        for run in results["runs"]:
            run["problem"] = "broken"
        self.assertIn("nothing to compare", verdict.paragraph(results))

    def test_losses_stand_with_the_one_that_lost_the_worst_first(self):
        losses = verdict.losses(canned.results(faster=1.5))
        self.assertEqual(losses["uring"], [])
        ratios = [judgement.ratio["median"] for judgement in losses["pipeline"]]
        self.assertEqual(ratios, sorted(ratios, reverse=True))
        self.assertGreater(len(ratios), 5)


if __name__ == "__main__":
    unittest.main()
