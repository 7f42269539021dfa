"""loadgen sweep and loadgen search as a user runs them. What they find must not depend on the speed of
this machine, so the rates are low, and objectives such as no server meets or any does.

Usage: rates_test.py LOADGEN SERVER [server option ...]
"""

import json
import signal
import sys
import tempfile
from pathlib import Path

from child import Child, wait_until
from real_server import real_server

TRIES = 3


def disturbed(results):
    """The machine was too busy: the load generator came late, or messages were on their way for so
    long that the end of a window cut off more than a hundredth."""
    text = json.dumps(results)
    return "generator_limit" in text or "of what was offered, at least" in text


class Bench:
    """A server's port, and load generators against it."""

    def __init__(self, loadgen, port, folder):
        self._loadgen, self._port, self._folder = loadgen, port, folder
        self._json = folder / "rates.json"

    def start(self, *arguments):
        self._json.unlink(missing_ok=True)
        return Child([self._loadgen, *arguments, f"--connect=127.0.0.1:{self._port}",
                      "--members=3", "--warm-up=100ms", f"--json={self._json}"],
                     self._folder / "rates.log")

    def end(self, child):
        """(exit code, JSON, what it printed)."""
        return child.wait(60.0), json.loads(self._json.read_text()), child.output.read_text()

    def run(self, *arguments):
        """As end(), of a run that was not disturbed, but for the last try."""
        for _ in range(TRIES):
            outcome = self.end(self.start(*arguments))
            if not disturbed(outcome[1]):
                break
        return outcome


def check_sweep(bench):
    code, results, table = bench.run("sweep", "--rates=100..400", "--steps=3", "--seed=3",
                                     "--step-duration=1s")
    assert code == 0 or disturbed(results), f"exit code {code}:\n{table}"
    rates = [entry["rate"] for entry in results["rates"]]
    assert sorted(rates) == [100, 200, 400] and rates != sorted(rates), rates
    for entry in results["rates"]:
        run = entry["run"]
        assert not any(run["violations"].values()), run
        assert abs(run["rates"]["offered_messages_per_second"] / entry["rate"] - 1) < 0.1, run
        assert run["latencies"]["last_member"]["count"] == run["counts"]["messages_due"], run
    rows = [line.split() for line in table.split("verdict\n")[1].splitlines()]
    assert [row[0] for row in rows[:3]] == ["100", "200", "400"], table


def check_sweep_misses(bench):
    code, results, table = bench.run("sweep", "--rates=200,100", "--step-duration=1s",
                                     "--slo=p50<=1ns")
    if disturbed(results):
        return
    assert code == 3 and table.count("SLO missed") >= 2, f"exit code {code}:\n{table}"
    assert all(entry["finding"] == "failed" for entry in results["rates"]), results
    assert results["slo"] == "p50 of last_member <= 1e-06 ms", results["slo"]


def check_search_confirms(bench):
    code, results, table = bench.run("search", "--slo=p50<=60s", "--from=100", "--to=250",
                                     "--step-duration=3s", "--confirm-duration=4s")
    if disturbed(results):
        return check_disturbed_search(code, results, table)
    assert code == 0 and "CONFIRMED: 250 messages/s" in table, f"exit code {code}:\n{table}"
    assert "the limit may lie above" in table, table
    assert results["end"] == "confirmed" and results["confirmed_rate"] == 250, results
    steps = [(step["kind"], step["rate"]) for step in results["steps"]]
    assert steps == [("growth", 100), ("growth", 200), ("growth", 250), ("confirmation", 250)], steps
    assert results["steps"][-1]["run"]["measured_seconds"] >= 4, results["steps"][-1]


def check_disturbed_search(code, results, table):
    """It does not tell what it cannot know."""
    print("disturbed: another program took the processor")
    codes = {"confirmed": 0, "none_passed": 3, "unconfirmed": 3, "generator_limited": 4}
    assert code == codes[results["end"]], f"exit code {code}:\n{table}"
    assert (results["confirmed_rate"] is not None) == (code == 0), results
    assert ("GENERATOR LIMITED" in table) == (code == 4), table


def check_search_finds_none(bench):
    """A server that stands still for a fifth of each second: 15 % of messages wait over 50 ms."""
    code, results, table = bench.run("search", "--slo=p90<=50ms", "--from=200",
                                     "--step-duration=1s")
    if disturbed(results):
        return check_disturbed_search(code, results, table)
    assert code == 3 and "NONE PASSED: not even 200" in table, f"exit code {code}:\n{table}"
    assert results["end"] == "none_passed" and results["confirmed_rate"] is None, results
    assert len(results["steps"]) == 1, results["steps"]


def check_interrupt(bench, command, *arguments):
    """Ctrl-C in the run after one that passed: what that found is told."""
    for _ in range(TRIES):
        child = bench.start(command, *arguments, "--step-duration=2s")
        wait_until(lambda: " ok" in child.output.read_text() or child.exit_code() is not None,
                   30.0, "a rate that passed")
        child.signal(signal.SIGINT)
        code, results, text = bench.end(child)
        findings = [entry["finding"] for entry in results.get("rates", results.get("steps"))]
        # Else once more: the signal came before the next run began, or the machine was too busy to
        # let a rate pass.
        if findings[-2:] == ["passed", "interrupted"]:
            break
    if disturbed(results):
        return
    assert code == 130 and "INTERRUPTED" in text, f"exit code {code}:\n{text}"
    assert results["interrupted"], results
    assert findings[-2:] == ["passed", "interrupted"], findings
    if command == "search":
        assert results["end"] == "interrupted" and results["highest_passed_rate"] == 100, results


def check_nobody_there(loadgen, folder):
    for arguments in (("sweep", "--rates=5,6"), ("search", "--slo=p50<=1s")):
        child = Child([loadgen, *arguments, "--connect=127.0.0.1:1"], folder / "nobody.log")
        code, text = child.wait(30.0), child.output.read_text()
        assert code == 1 and "cannot connect" in text, f"exit code {code}: {text}"
        assert len(text.strip().splitlines()) == 1, text


def main():
    loadgen, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-rates-") as name:
        folder = Path(name)
        with real_server(command, folder) as (_, port):
            bench = Bench(loadgen, port, folder)
            check_sweep(bench)
            check_sweep_misses(bench)
            check_search_confirms(bench)
            check_interrupt(bench, "sweep", "--rates=" + ",".join(["100"] * 10))
            check_interrupt(bench, "search", "--slo=p50<=60s", "--from=100")
        stalling = folder / "stalling"
        stalling.mkdir()
        with real_server(command, stalling, "--inject-stall=200ms") as (_, port):
            check_search_finds_none(Bench(loadgen, port, stalling))
        check_nobody_there(loadgen, folder)


if __name__ == "__main__":
    main()
