"""Results of a comparison that never took place, the same at every call, for the tests of what is
made of results. `faster` is by how much the uring server's figures are better."""

import zlib

LOADS = (("thesis-2", "thesis, 2 clients", "2 clients", "thesis"),
         ("fanout-100", "fan-out, one room of 100", "fan-out", "fanout"))
BOUNDS = [0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, None]
TITLES = {"pipeline": "pipeline-server", "uring": "uring-server",
          "uring-epoll": "uring-server --io=epoll"}


def _wobble(*words):
    """A factor from 0.98 to 1.02 that depends on the words alone."""
    return 0.98 + 0.04 * (zlib.crc32(repr(words).encode()) % 1000) / 1000


def latency(p50_ns, count=5000):
    """One entry of the load generator's latencies."""
    return {"count": count, "min_ns": p50_ns // 2, "mean_ns": p50_ns, "p50_ns": p50_ns,
            "p90_ns": p50_ns * 2, "p99_ns": p50_ns * 4, "p999_ns": None, "max_ns": p50_ns * 50,
            "overflow": 0}


def _loadgen(workload, rate, p50_ns, lost):
    requests = {"set_name": latency(p50_ns * 2, 2), "own_copy": latency(p50_ns)}
    if workload == "fanout":
        requests["last_member"] = latency(p50_ns * 3)
    kinds = ("lost", "repeated", "reordered", "corrupt", "misdirected", "disagreed", "protocol")
    return {
        "schema_version": 2, "workload": workload, "measured_seconds": 4.0,
        "violations": dict.fromkeys(kinds, 0) | {"lost": lost},
        "counts": {"deliveries": int(rate * 4), "replayed": int(rate)},
        "rates": {"achieved_messages_per_second": rate / 10, "deliveries_per_second": rate},
        "loadgen": {"cpu_seconds": 2.0, "deliveries_per_cpu_second": rate * 2},
        "server": {"pid": 1, "cpu_seconds": 2.0, "deliveries_per_cpu_second": rate * 2},
        "latencies": requests,
    }


def _series(rate, scale):
    times = [1.0, 2.0, 3.0]
    rows = [[0.0] * 3 for _ in BOUNDS]
    rows[3] = [100.0 * scale] * 3
    rows[5] = [0.0, 2.0, 1.0]
    return {"cpu": [[when, 0.5 * scale] for when in times],
            "memory": [[when, 2e6 * when * scale] for when in times],
            "deliveries": [[when, rate] for when in times],
            "heatmap": {"bounds": BOUNDS, "times": times, "rows": rows}}


def run(number, load, server, faster, problem=None):
    """One run of results.json."""
    scale = _wobble(number, load[0], server) * (1.0 if server == "pipeline" else 1.0 / faster)
    rate = 100_000.0 / scale
    return {
        "round": number, "load": load[0], "server": server, "problem": problem,
        "server_command": [f"build/{server}", "--listen=127.0.0.1:0"],
        "load_command": ["build/loadgen/loadgen", load[3]],
        "loadgen": _loadgen(load[3], rate, int(80_000 * scale), 3 if problem else 0),
        "other_cpu_share": 0.02, "steal_share": 0.001, "machine_cpu_seconds": 5.0 * scale,
        "server_memory_peak_bytes": int(6e6 * scale),
        "server_counters": {"deliveries": 1000.0, "system_calls": 100.0 * scale, "sends": 70.0},
        "series": _series(rate, scale),
    }


def results(faster=1.5, rounds=5, servers=("pipeline", "uring"), problem=None):
    """A whole results.json; `problem` is what the very first run met."""
    runs = [run(number, load, server, faster) for number in range(1, rounds + 1)
            for load in LOADS for server in servers]
    if problem is not None:
        runs[0] = run(1, LOADS[0], servers[0], faster, problem)
    return {
        "schema_version": 1, "program": "bench/compare", "name": "2026-01-02-compare",
        "quick": False, "interrupted": False, "started": "2026-01-02T03:04:05Z",
        "command": "bench/compare --rounds 3", "commit": "0123456789", "dirty": False,
        "environment": {"kernel": "6.1.0", "distribution": "Debian 12", "cpu": "A Processor",
                        "cores": 2, "memory_bytes": 2**33, "virtualisation": "none seen",
                        "mitigations": {}, "governor": "none", "io_uring_disabled": "0",
                        "irq_time_accounting": "on", "work_file_system": "ext4",
                        "load_average": 0.1, "python": "3.11.2"},
        "build": {"buildtype": "debugoptimized"}, "versions": {"loadgen": "loadgen 0.1.0"},
        "monitoring": [],
        "settings": {"rounds": rounds, "duration_seconds": 3.0, "warm_up_seconds": 1.0,
                     "fsync": "interval:1000"},
        "reports": "docs/reports",
        "servers": [{"label": label, "title": TITLES[label]} for label in servers],
        "loads": [{"name": name, "title": title, "short": short, "workload": workload}
                  for name, title, short, workload in LOADS],
        "runs": runs,
    }
