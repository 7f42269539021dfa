"""What every bench script does before it measures: packages, build, and the folder for reports."""

import shlex
import subprocess
from pathlib import Path

import machine

ROOT = Path(__file__).resolve().parent.parent


class Unprepared(Exception):
    """Something needed is missing; the text says what to do."""


def run(*arguments):
    """A step of the preparation, its output for the person to see."""
    arguments = [str(argument) for argument in arguments]
    try:
        code = subprocess.run(arguments, cwd=ROOT, check=False).returncode
    except OSError as error:
        raise Unprepared(f"cannot start {arguments[0]}: {error.strerror}") from error
    if code != 0:
        raise Unprepared(f"'{shlex.join(arguments)}' failed")


def build(folder, targets):
    """Sets the build folder up where it is missing and builds; refuses one with sanitizers."""
    if not (folder / "build.ninja").exists():
        run("meson", "setup", folder)
    run("ninja", "-C", folder, *dict.fromkeys(targets))
    sanitizers = machine.build_options(folder).get("b_sanitize", "none")
    if sanitizers != "none":
        raise Unprepared(f"{folder} is built with sanitizers ({sanitizers}), which measures "
                         "them and not the servers: name another folder with --build")


def make_folder(folder):
    """Where reports go."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unprepared(f"cannot write reports to {folder}: {error.strerror}") from error
