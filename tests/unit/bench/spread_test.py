import unittest

from spread import ratio, spread


class Spread(unittest.TestCase):
    def test_median_and_range_leave_out_what_is_not_known(self):
        self.assertEqual(spread([3.0, None, 1.0, 2.0]),
                         {"median": 2.0, "min": 1.0, "max": 3.0, "count": 3})
        self.assertIsNone(spread([None, None]))


class Ratio(unittest.TestCase):
    def test_it_is_that_of_the_medians_with_the_range_of_the_rounds(self):
        self.assertEqual(ratio({1: 2.0, 2: 6.0, 3: 4.0}, {1: 2.0, 2: 2.0, 3: 1.0}),
                         {"median": 2.0, "min": 1.0, "max": 4.0, "count": 3})

    def test_a_round_that_only_one_of_both_has_is_in_its_median_and_in_no_ratio(self):
        self.assertEqual(ratio({1: 2.0, 2: 4.0}, {1: 1.0}),
                         {"median": 3.0, "min": 2.0, "max": 2.0, "count": 1})

    # A server that took no tick of CPU time in a short run has no rate per CPU-second: a division by
    # None ended the script after its last run.
    def test_values_that_are_none_or_zero_are_left_out(self):
        self.assertEqual(ratio({1: None, 2: 4.0}, {1: 1.0, 2: 2.0})["count"], 1)
        self.assertIsNone(ratio({1: 4.0}, {1: 0.0}))
        self.assertIsNone(ratio({1: None}, {1: 1.0}))
        self.assertIsNone(ratio({}, {}))


if __name__ == "__main__":
    unittest.main()
