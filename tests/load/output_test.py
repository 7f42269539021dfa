"""Where the load generator's results go: files and what is none, full disks, closed streams.

What is printed must not cost the measurement, and nothing that a user names may be lost: once a FIFO
or a device became a file, a full disk below standard error aborted the run, and one below standard
output ended with exit code 0 and without a table.

Usage: output_test.py LOADGEN SERVER [server option ...]
"""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from child import Child, wait_until
from real_server import real_server

RUN_SECONDS = 60
SCENARIOS = Path(__file__).resolve().parent.parent.parent / "bench" / "scenarios"
FULL = "/dev/full"  # only ever as an open descriptor, which nothing can replace


class Loads:
    """Short loads against one server."""

    def __init__(self, loadgen, port, folder):
        self.loadgen, self.folder = loadgen, folder
        self._load = [loadgen, "fanout", f"--connect=127.0.0.1:{port}", "--members=2",
                      "--outstanding=1", "--warm-up=0", "--duration=1200ms"]

    def run(self, *arguments, **streams):
        """The completed process of a load."""
        return self.call(*self._load[1:], *arguments, **streams)

    def start(self, *arguments):
        """A load that goes on."""
        return Child([*self._load, *arguments], self.folder / "load.log")

    def call(self, *arguments, **streams):
        """The completed process of any command."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
        return subprocess.run([self.loadgen, *map(str, arguments)], stdin=subprocess.DEVNULL,
                              text=True, timeout=RUN_SECONDS, check=False, **streams)


def check_fifo(loads):
    """A reader of a FIFO gets the results, and it stays a FIFO."""
    fifo, copy = loads.folder / "fifo", loads.folder / "copy.json"
    os.mkfifo(fifo)
    with copy.open("wb") as stream, subprocess.Popen(["cat", fifo], stdout=stream) as reader:
        done = loads.run("--quiet", f"--json={fifo}")
        if not stat.S_ISFIFO(fifo.stat().st_mode):
            reader.kill()  # it waits for ever
            raise AssertionError("the FIFO was replaced")
        assert reader.wait(RUN_SECONDS) == 0
    assert done.returncode == 0, done
    assert json.loads(copy.read_text())["valid"], copy.read_text()


def check_files_before_fifo(loads):
    """A FIFO that nobody reads keeps no file from being written."""
    fifo, csv = loads.folder / "unread", loads.folder / "before.csv"
    os.mkfifo(fifo)
    child = loads.start("--quiet", f"--json={fifo}", f"--csv={csv}")
    wait_until(csv.exists, 30.0, "the CSV file")

    def interrupted():  # one that comes before the run waits for the FIFO's reader is forgotten
        child.signal(signal.SIGINT)
        return child.exit_code() is not None

    wait_until(interrupted, 30.0, "the end of a run whose FIFO has no reader")
    assert child.exit_code() == -signal.SIGINT, child.exit_code()


def check_pipe_without_reader(loads):
    """Where `| head` has what it wants, the run goes on to its files."""
    file = loads.folder / "unheard.json"
    reader, writer = os.pipe()
    os.close(reader)
    done = loads.run(f"--json={file}", stdout=writer, stderr=writer)
    os.close(writer)
    assert done.returncode == 0 and json.loads(file.read_text())["valid"], done


def check_link(loads):
    """The file that a link points to is replaced, also where it is not there yet."""
    link, real = loads.folder / "link.csv", loads.folder / "real.csv"
    link.symlink_to("real.csv")
    for _ in range(2):
        done = loads.run("--quiet", f"--csv={link}")
        assert done.returncode == 0 and link.is_symlink(), done
        assert real.read_text().startswith("server_label,"), real.read_text()
        real.write_text("old")


def check_device(loads):
    """A device is written to, and told of where it is full. Needs root, and a folder for devices."""
    device = loads.folder / "full"
    try:
        os.mknod(device, stat.S_IFCHR | 0o600, os.makedev(1, 7))
        device.open("wb").close()
    except OSError as error:
        print(f"no device of our own here: {error}")
        return
    done = loads.run("--quiet", f"--json={device}")
    assert device.is_char_device(), "the device was replaced"
    assert done.returncode == 2 and "No space left on device" in done.stderr, done
    assert "VALID: all" in done.stdout, done


def check_standard_output_by_name(loads):
    """What /dev/stdout leads to, where that is a file, has the table and then the results. By a link
    of our own: a program that replaced it would replace that of the whole machine."""
    both, link = loads.folder / "both", loads.folder / "stdout"
    link.symlink_to("/proc/self/fd/1")
    with both.open("wb") as stream:
        done = loads.run("--quiet", f"--json={link}", stdout=stream)
    assert link.is_symlink(), "the link was replaced"
    assert done.returncode == 0, done
    table, start, results = both.read_text().partition("\n{")
    assert "VALID: all" in table and json.loads(start + results)["valid"], both.read_text()


def check_full_standard_error(loads):
    """Progress that nobody can read costs a run nothing."""
    with open(FULL, "wb") as full:
        done = loads.run(stderr=full)
    assert done.returncode == 0 and "VALID: all" in done.stdout, done


def check_lost_standard_output(loads):
    """A table that is lost is told of, and the files are written all the same."""
    lost = "loadgen: cannot write to standard output (No space left on device)\n"
    for number, arguments in enumerate((("--quiet", "--json={}"), ("--quiet", "--json=-", "--csv={}"))):
        file = loads.folder / f"lost-{number}"
        with open(FULL, "wb") as full:
            done = loads.run(*(argument.format(file) for argument in arguments), stdout=full)
        assert done.returncode == 2 and done.stderr.endswith(lost), done
        assert file.stat().st_size > 0, done
    for arguments in (("--help",), ("--version",), ("fanout", "--help"),
                      ("scenarios", SCENARIOS), ("calibrate", "--duration=100ms")):
        with open(FULL, "wb") as full:
            done = loads.call(*arguments, stdout=full)
        assert done.returncode == 2 and done.stderr == lost, (arguments, done)
    done = loads.run("--slo=p50<=1ns", "--quiet", preexec_fn=lambda: os.close(1), stdout=None)
    assert done.returncode == 3, done
    assert done.stderr == "loadgen: cannot write to standard output (Bad file descriptor)\n", done


def check_second_interrupt(loads, server):
    """It ends the program at once, of that signal, and the metrics do not outlive it."""
    textfile = loads.folder / "load.prom"
    child = loads.start("--quiet", "--duration=10m", f"--metrics-textfile={textfile}",
                        "--metrics-interval=100ms")

    def in_phase(phase):
        return textfile.exists() and f'phase="{phase}"}} 1' in textfile.read_text()

    wait_until(lambda: in_phase("measure"), 30.0, "the measured window")
    server.signal(signal.SIGSTOP)  # so that the drain waits
    try:
        child.signal(signal.SIGINT)
        wait_until(lambda: in_phase("drain"), 30.0, "the drain")
        child.signal(signal.SIGINT)
        code = child.wait(30.0)
    finally:
        server.signal(signal.SIGCONT)
    assert code == -signal.SIGINT, f"exit code {code} after the second Ctrl-C"
    assert not textfile.exists(), "the metrics outlived the run"


def check_one_file_for_two(loads):
    """The one written last would be the only one left, so it is refused, however it is named."""
    one, link = loads.folder / "one.prom", loads.folder / "one-link"
    link.symlink_to(one)
    log = loads.folder / "server.jsonl"
    log.write_text('{"level": "info", "msg": "serving"}\n')
    load, ingest = ("fanout", "--connect=127.0.0.1:1"), ("ingest-log", log)
    for command, pair in ((load, (f"--json={one}", f"--metrics-textfile={one}")),
                          (load, (f"--json={one}", f"--csv={loads.folder}/./one.prom")),
                          (load, (f"--json={one}", f"--csv={link}")),
                          (load, (f"--csv={loads.folder}/own_copy.hgrm", f"--hgrm={loads.folder}")),
                          (ingest, (f"--json={one}", f"--metrics-textfile={one}")),
                          (ingest, (f"--json={log}",))):
        done = loads.call(*command, *pair)
        assert done.returncode == 2 and "are one file" in done.stderr, (pair, done)
        assert len(done.stderr.splitlines()) == 1, done
    assert not one.exists() and log.stat().st_size > 0


def check_stale_distributions(loads):
    """A folder of distributions has those of the last run, and what is not ours."""
    folder = loads.folder / "distributions"
    done = loads.run("--quiet", "--rate=200", f"--hgrm={folder}")
    uncorrected, mine = folder / "own_copy_uncorrected.hgrm", folder / "mine.hgrm"
    assert uncorrected.exists(), done
    mine.write_text("mine")
    done = loads.run("--quiet", f"--hgrm={folder}")
    assert done.returncode == 0 and not uncorrected.exists(), done
    refused = loads.run("--hgrm=-", cwd=loads.folder)
    assert refused.returncode == 2 and "name a folder" in refused.stderr, refused
    assert not (loads.folder / "-").exists()
    assert mine.exists() and (folder / "own_copy.hgrm").exists(), done


def main():
    """Each check; an AssertionError says what a user would have seen."""
    loadgen, *command = sys.argv[1:]
    loadgen = os.path.abspath(loadgen)  # one check is made in another folder
    with tempfile.TemporaryDirectory(prefix="ringside-output-") as name:
        folder = Path(name)
        with real_server(command, folder) as (server, port):
            loads = Loads(loadgen, port, folder)
            check_fifo(loads)
            check_files_before_fifo(loads)
            check_pipe_without_reader(loads)
            check_link(loads)
            check_device(loads)
            check_standard_output_by_name(loads)
            check_full_standard_error(loads)
            check_lost_standard_output(loads)
            check_one_file_for_two(loads)
            check_stale_distributions(loads)
            check_second_interrupt(loads, server)


if __name__ == "__main__":
    main()
