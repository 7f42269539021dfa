import unittest

from exposition import parse, total

TEXT = """# HELP ringside_drops_total Connections closed, by reason.
# TYPE ringside_drops_total counter
ringside_drops_total{server="uring",reason="lag"} 2
ringside_drops_total{server="uring",reason="drain"} 3e1
# TYPE ringside_rooms gauge
ringside_rooms 4
odd{text="a \\"quoted\\" one, with \\\\ and \\n",le="+Inf"} +Inf
"""


class Exposition(unittest.TestCase):
    def test_samples_types_and_helps_are_read(self):
        samples, types, helps = parse(TEXT)
        self.assertEqual(samples["ringside_rooms", frozenset()], 4.0)
        labels = frozenset([("server", "uring"), ("reason", "drain")])
        self.assertEqual(samples["ringside_drops_total", labels], 30.0)
        self.assertEqual(types, {"ringside_drops_total": "counter", "ringside_rooms": "gauge"})
        self.assertEqual(helps, {"ringside_drops_total": "Connections closed, by reason."})

    def test_escapes_in_label_values_are_undone(self):
        samples, _, _ = parse(TEXT)
        labels = dict(next(labels for name, labels in samples if name == "odd"))
        self.assertEqual(labels["text"], 'a "quoted" one, with \\ and \n')

    def test_a_total_sums_over_labels_and_is_nothing_where_there_is_no_sample(self):
        samples, _, _ = parse(TEXT)
        self.assertEqual(total(samples, "ringside_drops_total"), 32.0)
        self.assertIsNone(total(samples, "ringside_sends_total"))

    def test_a_torn_line_is_refused(self):
        with self.assertRaisesRegex(ValueError, "ringside_roo"):
            parse('ringside_roo')


if __name__ == "__main__":
    unittest.main()
