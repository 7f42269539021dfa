"""One load shared by two load generators that begin at an agreed time, and `loadgen merge`, which adds
their results exactly.

Usage: shards_test.py LOADGEN SERVER [server option ...]
"""

import datetime
import json
import sys
import tempfile
from pathlib import Path

from child import Child
from real_server import real_server

AHEAD_SECONDS = 6  # enough for two processes to set up few users, also with sanitizers
TRIES = 3
PERCENTILES = {"p50_ns": 0.5, "p90_ns": 0.9, "p99_ns": 0.99, "p999_ns": 0.999}


class Bench:
    """One server, a load generator's program, and a folder."""

    def __init__(self, loadgen, server, port, folder):
        self._loadgen, self.server, self._port, self.folder = loadgen, server, port, folder

    def file(self, name):
        return self.folder / f"{name}.json"

    def read(self, name):
        return json.loads(self.file(name).read_text())

    def run_shards(self, name, *load):
        """Both shards of a load, as `name`-1 and `name`-2; their results."""
        start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
            seconds=AHEAD_SECONDS)
        shards = [Child([self._loadgen, *load, f"--connect=127.0.0.1:{self._port}",
                         f"--shard={part}/2", f"--start-at={start:%Y-%m-%dT%H:%M:%S.%fZ}",
                         f"--json={self.file(f'{name}-{part}')}"],
                        self.folder / f"{name}-{part}.log") for part in (1, 2)]
        codes = [shard.wait(60.0) for shard in shards]
        parts = [self.read(f"{name}-{part}") for part in (1, 2)]
        for code, shard, part in zip(codes, shards, parts):
            # On a busy machine the load generator may come late, and says so.
            assert code == (4 if "generator_limit" in part else 0), shard.output.read_text()
        return parts

    def call(self, *arguments):
        """Exit code and output of a load generator that is no run, or a run that fails."""
        child = Child([self._loadgen, *arguments], self.folder / "call.log")
        return child.wait(60.0), child.output.read_text()

    def run_and_merge(self, name, *load):
        """Both shards' results, the merged ones, and what merging printed. On a busy machine a window
        may open late, which merging refuses: then all once more."""
        for _ in range(TRIES):
            parts = self.run_shards(name, *load)
            code, text = self.merge(name, f"{name}-2", f"{name}-1")
            if code != 2 or not any(word in text for word in ("s apart", "s long")):
                break
        merged = self.read(name)
        # Lateness is judged anew of all the samples: it may show where no part had enough of them.
        valid = all(part["valid"] for part in parts) and "generator_limit" not in merged
        assert merged["valid"] == valid, (merged, text)
        assert code == (0 if merged["valid"] else 4), f"{code}: {text}"
        check_sums(parts, merged)
        return parts, merged, text

    def merge(self, name, *parts):
        return self.call("merge", self.file(name), *(self.file(part) for part in parts))


def check_sums(parts, merged):
    """Every count is the sum of the parts', every histogram has every sample of theirs."""
    for name, value in merged["counts"].items():
        if name == "requests":
            for request, count in value.items():
                assert count == sum(part["counts"]["requests"][request] for part in parts), request
        else:
            assert value == sum(part["counts"][name] for part in parts), name
    for name, latency in merged["latencies"].items():
        own = [part["latencies"][name] for part in parts if name in part["latencies"]]
        for field in ("count", "sum_ns", "overflow"):
            assert latency[field] == sum(entry[field] for entry in own), (name, field)
        assert latency["min_ns"] == min(entry["min_ns"] for entry in own), name
        assert latency["max_ns"] == max(entry["max_ns"] for entry in own), name
        buckets = {}
        for index, count in (pair for entry in own for pair in entry["buckets"]):
            buckets[index] = buckets.get(index, 0) + count
        assert latency["buckets"] == [list(pair) for pair in sorted(buckets.items())], name
        check_percentiles(name, latency)
    due = sum(part["loadgen"]["cpu_seconds"] for part in parts)
    assert abs(merged["loadgen"]["cpu_seconds"] - due) < 1.5e-6, (merged["loadgen"], due)
    deliveries = merged["counts"]["deliveries"]
    rate = deliveries / max(part["measured_seconds"] for part in parts)
    assert abs(merged["rates"]["deliveries_per_second"] - rate) < 1e-3 * max(rate, 1), merged


def check_percentiles(name, latency):
    """A percentile lies in the bucket that a count of the merged buckets finds."""
    for field, quantile in PERCENTILES.items():
        if latency[field] is None:
            continue
        seen = 0
        for index, count in latency["buckets"]:
            seen += count
            if seen >= quantile * latency["count"] - 1e-6:
                break
        shift = max((index - 2048) // 1024 + 1, 0)
        lowest = index if index < 2048 else (1024 + (index - 2048) % 1024) << shift
        assert lowest <= latency[field] < lowest + (1 << shift), (name, field, latency[field])


def check_fanout(bench):
    rate = 501
    parts, merged, text = bench.run_and_merge(
        "fanout", "fanout", "--rooms=5", "--members=4", f"--rate={rate}",
        "--duration=2s", "--warm-up=200ms", "--slo=p50<=60s", f"--server-pid={bench.server.pid}")
    assert [part["counts"]["connections"] for part in parts] == [8, 12], parts
    assert "2 of 2 shards merged: 20 of 20 users" in text, text
    assert "SLO met" in text or not merged["valid"], text
    # The rate of the whole load, whatever way 501 is shared by five rooms.
    offered = merged["counts"]["messages_due"]
    assert abs(offered - rate * merged["measured_seconds"]) < 0.03 * offered, merged["counts"]
    assert merged["server"]["pid"] == bench.server.pid, merged
    assert merged["parameters"]["shards"] == {"of": 2, "parts": [1, 2]}, merged["parameters"]
    for part in parts:
        part["parameters"].pop("shards")
        part["parameters"].pop("open_loop")
        assert part["parameters"].items() <= merged["parameters"].items(), part["parameters"]


def check_thesis(bench):
    parts, _, text = bench.run_and_merge("thesis", "thesis", "--users=9", "--duration=1s",
                                         "--warm-up=100ms")
    assert [part["counts"]["connections"] for part in parts] == [4, 5], parts
    assert "VALID: all" in text, text


def check_idle(bench):
    _, _, text = bench.run_and_merge("idle", "idle", "--users=101", "--duration=500ms",
                                     f"--server-pid={bench.server.pid}")
    assert "VALID: all 101 connections stayed" in text, text


def check_refusals(bench):
    """After the others, with their files."""
    for parts, said in ((("fanout-1",), "shard 2 of 2 is missing"),
                        (("fanout-1", "fanout-1"), "shard 1 of 2 is in"),
                        (("fanout-1", "thesis-2"), "workload: fanout and thesis")):
        code, text = bench.merge("never", *parts)
        assert code == 2 and said in text, f"{parts}: {code}: {text}"
        assert text.startswith("loadgen: merge: ") and len(text.splitlines()) == 1, text
        assert not bench.file("never").exists(), parts
    code, text = bench.merge("fanout-1", "fanout-2")
    assert code == 2 and "fanout-1.json is there already" in text, f"{code}: {text}"


def check_late(bench):
    code, text = bench.call("thesis", "--start-at=2026-01-02T03:04:05Z")
    assert code == 2 and "--start-at: 2026-01-02T03:04:05Z is over" in text, f"{code}: {text}"
    assert len(text.splitlines()) == 1, text


def main():
    """Each check; an AssertionError says what a user would have seen."""
    loadgen, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-shards-") as name:
        folder = Path(name)
        with real_server(command, folder) as (server, port):
            bench = Bench(loadgen, server, port, folder)
            check_idle(bench)
            check_fanout(bench)
            check_thesis(bench)
            check_refusals(bench)
            check_late(bench)


if __name__ == "__main__":
    main()
