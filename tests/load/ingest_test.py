"""What a server logs of each request at --log-level debug, and loadgen ingest-log makes of it, agrees
with what the load generator sent and measured. From a file, and live from a pipe.

Usage: ingest_test.py LOADGEN SERVER [server option ...]
"""

import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from child import Child, wait_until
from real_server import start_server

MEMBERS = 4
# Of all messages from their due time on: what the server says of them is a part of that.
LOAD = ("fanout", f"--members={MEMBERS}", "--rate=400", "--duration=1s", "--warm-up=0")


def run_load(loadgen, port, folder):
    """The JSON results of a short load."""
    json_file = folder / "load.json"
    load = Child([loadgen, *LOAD, f"--connect=127.0.0.1:{port}", f"--json={json_file}"],
                 folder / "load.log")
    code = load.wait(60.0)
    results = json.loads(json_file.read_text())
    # On a busy machine the load generator may come late; its messages are all there.
    assert code == 0 or "generator_limit" in results, load.output.read_text()
    assert not any(results["violations"].values()), results["violations"]
    return results


def sample(textfile, series):
    """The value of a series in a metrics file; None while it is not there."""
    lines = textfile.read_text().splitlines() if textfile.exists() else []
    return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{series}")),
                None)


def lines_dropped(textfile):
    """Log lines that the server had to drop so far, as it writes it every 100 ms."""
    written = textfile.stat().st_mtime_ns
    wait_until(lambda: textfile.stat().st_mtime_ns > written, 30.0, "new metrics of the server")
    return sample(textfile, "ringside_log_lines_dropped_total{")


def check_counts(results, dropped, log):
    """Every request is in the log once, but for lines that the server says it dropped."""
    counts = {entry["request"]: entry["response_time"]["count"] for entry in log["response_times"]}
    sent = results["counts"]["requests"] | {"disconnect": MEMBERS}
    sent = {request: count for request, count in sent.items() if count > 0}
    assert sent["send_message"] > 100, sent
    assert counts.keys() <= sent.keys(), (counts, sent)
    for request, count in sent.items():
        assert count - dropped <= counts.get(request, 0) <= count, (request, dropped, counts, sent)
    lines = log["lines"]
    assert lines["with_response_time"] == sum(counts.values()), (lines, counts)
    assert lines["broken"] == 0 and lines["good"] > lines["with_response_time"], lines
    if dropped == 0:
        check_times(results, log)


def check_times(results, log):
    """The server's part of a time is not longer than the whole that the load generator measured."""
    part = next(entry["response_time"] for entry in log["response_times"]
                if entry["request"] == "send_message")
    whole = results["latencies"]["own_copy"]
    assert 0 < part["mean_ns"] <= whole["mean_ns"], (part, whole)


def check_file(loadgen, command, folder):
    """A log file of a server that has ended; the metrics stay."""
    log_file, metrics = folder / "server.jsonl", folder / "server.prom"
    server, port = start_server(command, folder, "--log-level=debug", f"--log-file={log_file}",
                                f"--metrics-textfile={metrics}", "--metrics-interval=100ms")
    try:
        results = run_load(loadgen, port, folder)
        dropped = lines_dropped(metrics)
    finally:
        server.stop()
    json_file, textfile = folder / "log.json", folder / "log.prom"
    ingest = Child([loadgen, "ingest-log", log_file, f"--json={json_file}", "--server-label=it",
                    f"--metrics-textfile={textfile}"], folder / "ingest.log")
    code = ingest.wait(60.0)
    table = ingest.output.read_text()
    assert code == 0 and "send_message" in table, f"exit code {code}:\n{table}"
    log = json.loads(json_file.read_text())
    check_counts(results, dropped, log)
    messages = {entry["msg"]: entry["lines"] for entry in log["messages"]}
    assert messages["serving"] == 1 and messages["stopped"] == 1, messages
    counted = sample(textfile, 'ringside_ingest_request_seconds_count{server="it",'
                               'request="send_message"}')
    assert dropped > 0 or counted == results["counts"]["requests"]["send_message"], counted


def start_live(loadgen, command, folder):
    """(server, port, ingest, textfile): a server whose log goes through a pipe into ingest-log."""
    pipe, textfile = folder / "pipe", folder / "live.prom"
    os.mkfifo(pipe)
    ingest = Child([loadgen, "ingest-log", pipe, f"--json={folder / 'live.json'}",
                    f"--metrics-textfile={textfile}", "--metrics-interval=100ms"],
                   folder / "ingest.log")
    server, port = start_server(command, folder, "--log-level=debug", f"--log-file={pipe}")
    return server, port, ingest, textfile


def check_pipe(loadgen, command, folder):
    """The metrics are there while the server runs; its end is the end of the log."""
    server, port, ingest, textfile = start_live(loadgen, command, folder)
    series = 'ringside_ingest_request_seconds_count{server="unknown",request="send_message"}'
    try:
        results = run_load(loadgen, port, folder)
        wait_until(lambda: sample(textfile, series), 30.0, "response times while the server runs")
        assert ingest.exit_code() is None, ingest.output.read_text()
    finally:
        server.stop()
    code = ingest.wait(30.0)
    assert code == 0, f"exit code {code} at the end of the log:\n{ingest.output.read_text()}"
    log = json.loads((folder / "live.json").read_text())
    counted = next(entry["response_time"]["count"] for entry in log["response_times"]
                   if entry["request"] == "send_message")
    assert 0 < counted <= results["counts"]["requests"]["send_message"], log
    assert sample(textfile, series) == counted, textfile.read_text()


def check_interrupt(loadgen, command, folder):
    """Ctrl-C ends it with what it has, and without metrics that would never change again."""
    server, _, ingest, textfile = start_live(loadgen, command, folder)
    try:
        wait_until(lambda: sample(textfile, "ringside_ingest_lines_total{"
                                  'server="unknown",level="info"}'), 30.0, "the first line")
        ingest.signal(signal.SIGINT)
        code = ingest.wait(30.0)
    finally:
        server.stop()
    assert code == 130, f"exit code {code} after Ctrl-C:\n{ingest.output.read_text()}"
    log = json.loads((folder / "live.json").read_text())
    assert log["interrupted"] and log["lines"]["good"] > 0, log
    assert not textfile.exists(), "the metrics outlived the reading"


def main():
    loadgen, *command = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="ringside-ingest-") as name:
        for check in (check_file, check_pipe, check_interrupt):
            folder = Path(name) / check.__name__
            folder.mkdir()
            check(loadgen, command, folder)


if __name__ == "__main__":
    main()
