import http.client
import unittest
from unittest import mock

import monitoring
from child import ChildError


class Unanswered(unittest.TestCase):
    def test_a_prometheus_that_is_gone_or_too_slow_is_an_error_of_that_run(self):
        one = monitoring.Monitoring.__new__(monitoring.Monitoring)
        one.prometheus_url = "http://127.0.0.1:1"
        for error in (ConnectionRefusedError(), TimeoutError(), http.client.IncompleteRead(b"")):
            with self.subTest(error=error), \
                    mock.patch.object(monitoring, "fetch", side_effect=error), \
                    self.assertRaisesRegex(ChildError, "Prometheus does not answer"):
                one.value("up")


if __name__ == "__main__":
    unittest.main()
