"""Single runs of bench/history: a fresh server process on data made before, one part of the
measurement, what came of it.

The reader of histories is this process itself, in one thread; loadgen and servers are children.
"""

import time

import history_joins
import load_generator
import runs
from accounting import OtherPrograms, process_seconds
from child import ChildError, exit_text
from contenders import chat_command, running, serving
from history_client import FRAME_BYTES, PAYLOAD_BYTES, Client
from history_data import ROOM, room_names
from history_parts import OTHERS

# The port file is looked for so often; the time of a start is known no better.
START_POLL_SECONDS = 0.001


def loadgen_figures(result):
    """What is kept of the load generator's JSON, in seconds; None for a percentile that too few
    samples carry."""
    def percentile(latency, name):
        value = result["latencies"].get(latency, {}).get(name)
        return None if value is None else value / 1e9

    seconds = result["measured_seconds"]
    return {
        "others_p50": percentile("last_member", "p50_ns"),
        "others_p99": percentile("last_member", "p99_ns"),
        "others_p99_from_sending": percentile("last_member_uncorrected", "p99_ns"),
        "send_lag_p99": percentile("send_lag", "p99_ns"),
        "others_per_second": result["rates"]["achieved_messages_per_second"],
        "server_cores": result["server"]["cpu_seconds"] / seconds,
        "generator_cores": result["loadgen"]["cpu_seconds"] / seconds}


class Runner(runs.Runner):
    """Runs of the servers, each of one part, on `data` made before."""

    def __init__(self, build, work, settings, data):
        super().__init__(build, work, settings)
        self._data = data

    def take(self, number, part, contender):
        """`number` is the round, and the load's seed."""
        run = {"round": number, "load": part.name, "contender": contender.label, "figures": {}}
        if part.name == "start":
            return self._attempt(run, self._start, contender)
        return self._attempt(run, self._serve, part, contender)

    def _start(self, run, contender):
        command = chat_command(contender, self._build, self._folder, self._data.rooms_folder)
        begun = time.perf_counter()
        with serving(command, self._folder, START_POLL_SECONDS) as (server, port):
            ready = time.perf_counter()
            with Client(port, b"reader") as client:
                listed = time.perf_counter()
                found, due = client.rooms, room_names(self._settings["rooms"])
            run["server_command"] = server.arguments
            run["figures"] = {"ready_seconds": ready - begun, "list_seconds": listed - begun,
                              "start_cpu_seconds": process_seconds(server.pid)}
        run["rooms_listed"] = len(found)
        if found != due:
            raise ChildError(f"the list after the start has {len(found)} rooms, and is not that of "
                             f"the {len(due)} that were made, in their order")

    def _serve(self, run, part, contender):
        """Every part but the start: the measured server has the history, unless the other one does."""
        history = self._data.history_folder(contender)
        own = self._folder / "own"
        own.mkdir()
        try:
            with running(contender, self._build, own,
                         None if part.streams == "other" else history) as (server, port):
                run["server_command"] = server.arguments
                if part.streams != "other":
                    return self._measure(run, part, server, port, server, port)
                other = self._folder / "other"
                other.mkdir()
                with running(contender, self._build, other, history) as (second, second_port):
                    self._measure(run, part, server, port, second, second_port)
        finally:
            self._data.forget_other_rooms(contender)

    def _measure(self, run, part, server, port, source, source_port):
        """`source` has the history. Then, with all times taken, the history is examined once."""
        programs = OtherPrograms(*{server.pid, source.pid})
        with Client(source_port, b"reader") as reader:
            if part.others:
                self._load(run, part, server, port, reader, source)
            else:
                deadline = time.monotonic() + self._settings["duration_seconds"]
                joins = self._read(reader, source, lambda: time.monotonic() >= deadline)
                run["figures"] = history_joins.figures(joins, history_joins.own_window(joins))
            run |= programs.shares()
            if part.streams is not None:
                self._examine(run, reader)

    def _examine(self, run, reader):
        messages = self._settings["messages"]
        wrong = reader.examine_history(ROOM, messages)
        run["history_bytes"] = messages * FRAME_BYTES
        run["violations"] = run.get("violations", 0) + wrong
        if wrong:
            raise ChildError(f"{wrong} of the history's {messages} messages are not what was sent")

    def _read(self, reader, source, enough):
        return history_joins.read(reader, self._settings["messages"], source.pid, enough,
                                  load_generator.seconds_max(self._settings))

    def _load(self, run, part, server, port, reader, source):
        """The others' room under load, from before its set-up to behind its drain with streams,
        where the part has any."""
        generator = load_generator.start(
            self._build, self._folder, self._settings,
            ["fanout", "--rooms", 1, "--members", OTHERS["members"], "--publishers", 1,
             "--payload", PAYLOAD_BYTES, "--rate", OTHERS["rate"]],
            server=server, port=port, label=run["contender"],
            further=[load_generator.warm_up(self._settings), f"--seed={run['round']}"])
        run["load_command"] = generator.arguments
        joins = []
        try:
            if part.streams is not None:
                joins = self._read(reader, source, lambda: generator.exit_code() is not None)
            code = generator.wait(load_generator.seconds_max(self._settings))
        finally:
            generator.kill()
        result = self._result(run, generator, code)
        run["figures"] = loadgen_figures(result)
        if joins:
            run["figures"] |= history_joins.figures(joins, history_joins.load_window(result))
            # Whose CPU time it is cannot be told where the server has the others as well.
            if part.streams == "server":
                del run["figures"]["server_cpu_per_gigabyte"]

    def _result(self, run, generator, code):
        """The load generator's JSON; ChildError where the run was no good one."""
        result = load_generator.result(self._folder)
        if result is None or code not in (0, load_generator.INVALID_RUN):
            raise ChildError(f"loadgen ended with {exit_text(code)}: {generator.last_lines()}")
        run["violations"] = sum(result["violations"].values())
        if run["violations"]:
            raise ChildError("deliveries failed verification")
        # No failure: who shares the cores with a reader may come late, and the report says so.
        if "generator_limit" in result:
            run["generator_limit"] = result["generator_limit"]
        return result
