import unittest

import canned
import compare_terminal


class Table(unittest.TestCase):
    def test_no_line_is_wider_than_a_terminal(self):
        for servers in (("uring",), ("pipeline", "uring"), ("pipeline", "uring", "uring-epoll")):
            for faster in (1.5, 1.001):
                text = compare_terminal.table(canned.results(faster=faster, servers=servers))
                self.assertLessEqual(max(map(len, text.splitlines())), 80, text)

    def test_each_figure_stands_beside_who_is_ahead(self):
        text = compare_terminal.table(canned.results(faster=1.5))
        self.assertRegex(text, r"deliveries +[\d.]+ k/s +[\d.]+ k/s +uring 1\.\d\d ×")
        self.assertIn("no clear difference", text)  # sends per delivery are equal


if __name__ == "__main__":
    unittest.main()
