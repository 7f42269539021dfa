import unittest

from units import duration_text, parse_duration, show, show_spread, significant


class Units(unittest.TestCase):
    def test_figures_have_three_significant_digits_and_their_unit(self):
        for value, kind, expected in (
                (1_523_456, "rate", "1.52 M/s"), (83e-6, "seconds", "83.0 µs"),
                (0.0012, "seconds", "1.20 ms"), (12.34 * 2**20, "bytes", "12.3 MiB"),
                (0.00831, "plain", "0.00831"), (0.1, "plain", "0.100"), (0, "plain", "0"),
                (2, "count", "2"), (999.96, "rate", "1.00 k/s"), (12, "rate", "12.0 /s"),
                (1.234e9, "byte_rate", "1.23 GB/s"), (12, "byte_rate", "12.0 B/s"),
                (4_700_000, "count", "4.70 M"), (None, "seconds", "–")):
            with self.subTest(value=value, kind=kind):
                self.assertEqual(show(value, kind), expected)

    def test_rounding_up_to_the_next_digit_does_not_add_one(self):
        self.assertEqual(significant(9.996), "10.0")
        self.assertEqual(show(999.9e-6, "seconds"), "1.00 ms")

    def test_a_range_is_written_in_the_unit_of_its_median(self):
        spread = {"median": 950e-6, "min": 900e-6, "max": 1.1e-3, "count": 3}
        self.assertEqual(show_spread(spread, "seconds"), "950 µs (900–1100)")

    def test_one_round_has_no_range(self):
        spread = {"median": 5e-6, "min": 5e-6, "max": 5e-6, "count": 1}
        self.assertEqual(show_spread(spread, "seconds"), "5.00 µs")

    def test_durations_are_read_and_written_as_the_programs_do(self):
        for text, seconds in (("250ms", 0.25), ("10s", 10.0), ("2m", 120.0), ("1.5s", 1.5)):
            self.assertEqual(parse_duration(text), seconds)
        self.assertEqual(duration_text(0.25), "250ms")
        self.assertEqual(duration_text(12.0), "12s")
        self.assertEqual(duration_text(1.5), "1500ms")

    def test_what_is_no_duration_is_refused_with_an_example(self):
        for text in ("", "10", "s", "-1s", "0s", "ten seconds", "1h"):
            with self.subTest(text=text), self.assertRaisesRegex(ValueError, "250ms, 10s or 2m"):
                parse_duration(text)


if __name__ == "__main__":
    unittest.main()
