import re
import unittest
from unittest import mock

import fanout_report
import report_sections
import terminal
from fanout_loads import LOADS
from fanout_summary import advantage, figures, losses
from results_file import problems

CONTENDERS = ("floor", "uring", "redis", "nats", "pipeline", "naive", "uring-1-cpu")
PER_CPU = {"floor": 5.0e6, "uring": 4.5e6, "redis": 3.0e6, "nats": 2.0e6, "pipeline": 1.5e6,
           "naive": 0.1e6, "uring-1-cpu": 4.8e6}


def run(number, load, contender, **figures_of_run):
    return {"round": number, "load": load, "contender": contender, "problem": None,
            "violations": 0, "load_command": ["build/x", contender], "figures": figures_of_run,
            "other_cpu_share": 0.0}


def fanout_run(number, contender):
    figures_of_run = {"deliveries_per_second": PER_CPU[contender],
                      "deliveries_per_cpu_second": PER_CPU[contender] * (1 + number / 100)}
    if contender != "floor":
        figures_of_run |= {"last_member_p99": 0.001 if contender == "nats" else 0.002,
                           "generator_cores": 0.5}
    return run(number, "w16", contender, **figures_of_run)


def results():
    loads = [LOADS["w16"], LOADS["idle"]]
    runs = [fanout_run(number, contender) for number in (1, 2) for contender in CONTENDERS]
    runs += [run(1, "idle", contender, memory_per_connection=size, memory_idle=size * 1000)
             for contender, size in (("uring", 1024.0), ("redis", 10240.0))]
    return {
        "name": "2026-01-02-fanout", "started": "2026-01-02T03:04:05Z", "quick": False,
        "interrupted": False, "command": "bench/fanout", "commit": "abc", "dirty": False,
        "environment": {"cores": 2, "mitigations": {"meltdown": "PTI"}, "system_call_ns": 1000},
        "build": {}, "versions": {},
        "settings": {"rounds": 2, "duration_seconds": 3.0, "warm_up_seconds": 1.0},
        "contenders": [{"label": label, "title": label.upper()} for label in CONTENDERS],
        "loads": [{"name": load.name, "title": load.title, "headline": load.headline,
                   "goals": load.goals} for load in loads],
        "runs": runs,
        "counting_runs": [run(1, "w16", "redis", system_calls_per_delivery=0.25)],
    }


class Summary(unittest.TestCase):
    def test_an_advantage_is_the_ratio_within_the_rounds(self):
        found = results()
        load = found["loads"][0]
        self.assertAlmostEqual(advantage(found, load, "uring", "redis")["median"], 1.5)
        self.assertAlmostEqual(advantage(found, load, "uring", "floor")["median"], 0.9)
        self.assertIsNone(advantage(found, load, "uring", "uring-epoll"))

    def test_of_memory_less_is_better(self):
        found = results()
        self.assertAlmostEqual(advantage(found, found["loads"][1], "uring", "redis")["median"], 10)

    def test_system_calls_come_from_the_counting_runs(self):
        found = results()
        of_redis = figures(found, found["loads"][0], "redis")
        self.assertEqual(of_redis["system_calls_per_delivery"]["median"], 0.25)
        self.assertEqual(of_redis["deliveries_per_cpu_second"]["count"], 2)

    def test_a_contender_loses_where_the_best_is_ahead_in_every_round(self):
        lost = {(loss.loser, loss.winner, loss.figure.name) for loss in losses(results())}
        self.assertIn(("uring", "nats", "last_member_p99"), lost)
        self.assertIn(("redis", "uring", "deliveries_per_cpu_second"), lost)
        self.assertNotIn("floor", {winner for _, winner, _ in lost})

    def test_rounds_that_overlap_make_no_loss(self):
        found = results()
        for entry in found["runs"]:
            if entry["contender"] == "redis" and entry["round"] == 1:
                entry["figures"]["deliveries_per_cpu_second"] = 9e6
        lost = {(loss.loser, loss.figure.name) for loss in losses(found)}
        self.assertNotIn(("redis", "deliveries_per_cpu_second"), lost)

    def test_a_failed_run_is_told_and_not_averaged_in(self):
        found = results()
        found["runs"][1] |= {"problem": "it died", "figures": {}}
        self.assertEqual(len(problems(found)), 1)
        values = figures(found, found["loads"][0], "uring")["deliveries_per_cpu_second"]
        self.assertEqual(values["count"], 1)
        self.assertIn("it died", fanout_report.text(found, {"headline": "x.svg"}))


class Report(unittest.TestCase):
    def test_the_terminal_table_fits_80_columns(self):
        with mock.patch.object(terminal, "_painted", lambda text, _: text):
            lines = fanout_report.table(results()).splitlines()
        self.assertTrue(all(len(line) <= 80 for line in lines), max(lines, key=len))
        self.assertTrue(any("1.50 ×" in line and "90 %" in line for line in lines))

    def test_goals_are_stated_and_a_missed_one_is_said_to_be(self):
        found = results()
        self.assertIn("1.50 × (goal 1.50 ×)", fanout_report.goals(found))
        found["loads"][0]["goals"] = {"redis": 2.0}
        self.assertIn("1.50 × (goal 2.00 ×, **missed**)", fanout_report.goals(found))

    def test_the_range_over_the_rounds_stands_beside_the_ratio(self):
        found = results()
        for entry in found["runs"]:
            if entry["contender"] == "redis" and entry["load"] == "w16" and entry["round"] == 1:
                entry["figures"]["deliveries_per_cpu_second"] /= 1.2
        self.assertIn("1.64 × (1.50–1.80; goal 1.50 ×)", fanout_report.goals(found))

    def row(self, title):
        rows = fanout_report.goals(results()).splitlines()
        return next(row for row in rows if row.startswith(f"| {title} "))

    def test_both_servers_are_held_against_the_naive_one(self):
        self.assertIn("| 45.0 × (goal 20.0 ×) |", self.row("URING"))
        self.assertIn("| 15.0 × (goal 20.0 ×, **missed**) |", self.row("PIPELINE"))

    def test_who_shares_the_floor_s_cpu_is_held_against_it_alone(self):
        self.assertTrue(self.row("URING-1-CPU").endswith("| – | 96 % (goal 85 %) | – | – | – | – |"),
                        self.row("URING-1-CPU"))

    def test_references_neither_lose_nor_win(self):
        named = {name for loss in losses(results()) for name in (loss.loser, loss.winner)}
        self.assertFalse(named & {"floor", "naive", "uring-1-cpu"}, named)
        told = fanout_report.text(results(), {"headline": "x.svg"})
        self.assertIn("**REDIS**\n", told)
        self.assertNotIn("**NAIVE**\n", told)

    def test_a_generator_without_reserves_is_warned_of(self):
        found = results()
        found["settings"]["rounds"] = 5
        self.assertEqual(report_sections.warnings(found), [])
        found["runs"][1]["figures"]["generator_cores"] = 0.97
        self.assertRegex(report_sections.warnings(found)[0], "1 of 12 runs the load generator")

    def test_with_few_rounds_losses_are_said_to_be_no_verdict(self):
        self.assertIn("Fewer than 5 rounds", report_sections.warnings(results())[0])
        one = results() | {"quick": True}
        self.assertEqual(report_sections.warnings(one), ["> ⚠ One short round: an indication, no measurement."])

    def test_what_a_system_call_costs_here_is_told(self):
        found = results()
        self.assertIn("| a system call (getppid) | 1000 ns |", report_sections.machine(found))
        self.assertIn("| mitigations | meltdown: PTI |", report_sections.machine(found))
        del found["environment"]["system_call_ns"]  # as in older results
        self.assertIn("| a system call (getppid) | unknown |", report_sections.machine(found))

    def test_every_table_row_has_as_many_cells_as_its_head(self):
        text = fanout_report.text(results(), {"headline": "x.svg"})
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            counts = {line.count("|") for line in table.splitlines()}
            self.assertEqual(len(counts), 1, table)


if __name__ == "__main__":
    unittest.main()
