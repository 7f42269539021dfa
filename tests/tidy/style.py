#!/usr/bin/env python3
"""Checks one rule of the code's style: style.py RULE (style.py --help lists the rules).

1. A rule is a function that takes the tree and yields findings: where, and what to do about it.
2. A finding that stands in allowed.txt is passed over. The list may only shrink: an entry that no
   finding needs any more fails the rule.
3. Exit codes: 0 no finding, 1 findings, 77 the rule cannot be checked here (and says why).
"""

import argparse
import ast
import concurrent.futures
import itertools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
FORMAT_VERSION = "14."  # later versions of clang-format break lines in other places
SKIPPED = 77


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    subject: str  # what an entry of allowed.txt names beside the path; no spaces
    advice: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.advice}"


class CannotCheck(Exception):
    """What is missing on this machine."""


@dataclass
class Tree:
    """The sources below `root`, each read once."""

    root: Path
    compiler: list = field(default_factory=lambda: ["g++"])

    def __post_init__(self):
        self.files = {}
        for folder in ("src", "loadgen", "bench", "tests", "tools", "docs"):
            for path in sorted((self.root / folder).rglob("*")):
                name = path.relative_to(self.root).as_posix()
                if path.is_file() and "/reports/" not in name and "__pycache__" not in name:
                    self.files[name] = path

    def named(self, *endings):
        return [name for name in self.files if name.endswith(endings)]

    def text(self, name):
        return self.files[name].read_text(encoding="utf-8")

    def lines(self, name):
        return self.text(name).splitlines()

    def cpp(self, *folders):
        """C++ files below the folders, all where none is named."""
        return [name for name in self.named(".cpp", ".hpp")
                if not folders or name.startswith(tuple(folders))]


def file_length(tree):
    """Files stay under 500 lines."""
    for name in tree.named(".cpp", ".hpp", ".py", ".sh"):
        lines = len(tree.lines(name))
        if lines >= FILE_LINES_MAX:
            yield Finding(name, lines, "file", f"{lines} lines, and files stay under "
                          f"{FILE_LINES_MAX}: move one subject into a file of its own")


_NOISE = re.compile(r"""//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])'(?:\\.|[^'\\\n])+'""",
                    re.S)


def without_text(source):
    """The source with comments, strings, preprocessor lines and `public:` blanked; the lines stay."""
    def lines_of(match):
        return "\n" * match.group().count("\n")

    blanked = _NOISE.sub(lines_of, source)
    blanked = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lines_of, blanked, flags=re.M)
    return re.sub(r"^[ \t]*(public|private|protected):", lines_of, blanked, flags=re.M)


_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?![^()]*\))")


def _kind(head, before_brace, inside):
    """What a brace opens: "scope" (of declarations), "function" or "other"."""
    if any(kind != "scope" for kind in inside) or before_brace not in " \n":
        return "other"
    # A call that is not closed or a value that follows `=`: an initializer.
    if head.count("(") != head.count(")") or re.search(r"[^=!<>]=(?!=)", head.split("(")[0]):
        return "other"
    if "(" in head and not _SCOPE.match(head.strip()):
        return "function"
    return "scope" if _SCOPE.search(head) else "other"


def functions(source):
    """(name, first line, last line) of each function defined in clang-formatted C++."""
    text = without_text(source)
    open_braces = []  # (kind, head, line where the head begins)
    head, head_line, line = "", 1, 1
    for at, char in enumerate(text):
        if char == "{":
            kind = _kind(head, text[at - 1], [entry[0] for entry in open_braces])
            open_braces.append((kind, head, head_line))
        elif char == "}" and open_braces:
            kind, opened, first = open_braces.pop()
            if kind == "function":
                name = re.search(r"([\w:~]+|operator\W+)\s*\(", opened)
                yield name.group(1) if name else "?", first, line
        # A brace within a function or an initializer belongs to the statement around it.
        if char in "{};" and not any(entry[0] == "other" for entry in open_braces):
            if char != "}" or kind != "other":
                head = ""
        else:
            if not head.strip() and not char.isspace():
                head_line = line
            head += char
        line += char == "\n"


def _python_functions(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def function_length(tree):
    """Functions stay within 70 lines."""
    for name in tree.named(".cpp", ".hpp", ".py"):
        found = _python_functions if name.endswith(".py") else functions
        for function, first, last in found(tree.text(name)):
            lines = last - first + 1
            if lines > FUNCTION_LINES_MAX:
                yield Finding(name, first, function, f"{function} has {lines} lines, and functions "
                              f"stay within {FUNCTION_LINES_MAX}: name its steps as functions")


def _includes(tree, name):
    for number, line in enumerate(tree.lines(name), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1)


# Header (a prefix of its name), the only places outside of tests that include it.
_ONE_PLACE = [
    ("liburing", ("src/uring_async/io/",)),
    ("boost/context", ("src/uring_async/fiber/",)),
    ("sys/epoll.h", ("src/common/epoll.",)),
]


def foreign_headers(tree):
    """A kernel or library interface that is wrapped is included by its wrapper alone."""
    for name in tree.cpp("src/", "loadgen/", "bench/"):
        for line, header in _includes(tree, name):
            for prefix, places in _ONE_PLACE:
                if header.startswith(prefix) and not name.startswith(places):
                    yield Finding(name, line, header, f"{header} is for {' '.join(places)} alone: "
                                  "use the interface there")


# Folder, the beginnings of our own headers that it may include.
_DIRECTIONS = [
    ("src/common/", ("common/",)),
    ("src/uring_async/fiber/", ("common/", "uring_async/fiber/")),
    ("src/uring_async/io/", ("common/", "uring_async/io/")),
    ("src/uring_async/", ("common/", "uring_async/")),
    ("src/pipeline/", ("common/", "pipeline/")),
    ("loadgen/", ("common/", "uring_async/fiber/", "uring_async/io/", "loadgen/")),
    ("bench/", ("common/", "uring_async/fiber/", "uring_async/io/", "bench/")),
]
_OURS = ("common/", "uring_async/", "pipeline/", "loadgen/", "bench/")


def dependencies(tree):
    """Dependencies point one way: see docs/architecture.md."""
    for name in tree.cpp("src/", "loadgen/", "bench/"):
        folder, allowed = next((entry for entry in _DIRECTIONS if name.startswith(entry[0])),
                               (None, ()))
        if folder is None:
            yield Finding(name, 1, "folder", "a new folder: say in tests/tidy/style.py what it may "
                          "include")
            continue
        for line, header in _includes(tree, name):
            if header.startswith(_OURS) and not header.startswith(allowed):
                yield Finding(name, line, header, f"{folder} may include {' '.join(allowed)} only: "
                              f"move what both need to where both may look, not {header}")


def socket_options(tree):
    """setsockopt stands in socket_ops only."""
    for name in tree.cpp("src/", "loadgen/", "bench/"):
        if name == "src/common/socket_ops.cpp":
            continue
        for number, line in enumerate(without_text(tree.text(name)).splitlines(), 1):
            if re.search(r"\bsetsockopt\b", line):
                yield Finding(name, number, "setsockopt", "set socket options in "
                              "src/common/socket_ops.cpp, so that their reasons stand in one place")


_UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")


def unfinished(tree):
    """Nothing is left for later in the text."""
    for name in tree.named(".cpp", ".hpp", ".py", ".md", ".build", ".sh", "run", "bootstrap"):
        for number, line in enumerate(tree.lines(name), 1):
            match = _UNFINISHED.search(line)
            if match:
                yield Finding(name, number, match.group(), f"{match.group()}: do it now, or open an "
                              "issue and take the note out")


def own_header_first(tree):
    """x.cpp includes x.hpp before anything else: so every header is known to stand alone."""
    for name in tree.named(".cpp"):
        header = name.removesuffix(".cpp") + ".hpp"
        first = next(_includes(tree, name), (1, ""))
        if header in tree.files and not f"/{header}".endswith(f"/{first[1]}"):
            yield Finding(name, first[0], "include", f"include {Path(header).name} first: that "
                          "proves that it needs nothing before it")


def pragma_once(tree):
    """Headers begin with #pragma once."""
    for name in tree.named(".hpp"):
        if not re.match(r"(//[^\n]*\n|\s)*#pragma once\n", tree.text(name)):
            yield Finding(name, 1, "pragma", "begin the header with #pragma once")


def lone_headers(tree):
    """A header without a .cpp of its own compiles by itself. One that some .cpp includes before
    anything else is known to by the build; each of the others is compiled here."""
    first = {header for name in tree.named(".cpp")
             for _, header in itertools.islice(_includes(tree, name), 1)}
    lone = [name for name in tree.named(".hpp")
            if name.removesuffix(".hpp") + ".cpp" not in tree.files
            and name.startswith(("src/", "loadgen/"))
            and name.removeprefix("src/") not in first]

    def compile_alone(name):
        return subprocess.run(
            [*tree.compiler, "-std=c++23", "-fsyntax-only", "-w", "-x", "c++", "-I",
             tree.root / "src", "-I", tree.root, tree.files[name]],
            capture_output=True, text=True, check=False)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, done in zip(lone, pool.map(compile_alone, lone)):
            if done.returncode != 0:
                error = next((line for line in done.stderr.splitlines() if "error" in line), "?")
                yield Finding(name, 1, "alone", f"include what the header uses: {error}")


def formatting(tree):
    """clang-format has nothing to change."""
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        raise CannotCheck("clang-format is not installed")
    version = subprocess.run([program, "--version"], capture_output=True, text=True,
                             check=True).stdout
    if f"version {FORMAT_VERSION}" not in version:
        raise CannotCheck(f"this needs clang-format {FORMAT_VERSION}x, here is {version.strip()}")
    names = tree.cpp()
    if not names:
        return
    done = subprocess.run([program, "--dry-run", "--Werror", *names], cwd=tree.root,
                          capture_output=True, text=True, check=False)
    places = re.findall(r"^(\S+?):(\d+):\d+: error", done.stderr, flags=re.M)
    for name in dict.fromkeys(name for name, _ in places):
        line = next(int(number) for other, number in places if other == name)
        yield Finding(name, line, "format", f"run clang-format -i {name}")


RULES = {rule.__name__: rule for rule in (
    file_length, function_length, foreign_headers, dependencies, socket_options, unfinished,
    own_header_first, pragma_once, lone_headers, formatting)}


def read_allowed(path, rule):
    """The (path, subject) pairs that allowed.txt names for the rule."""
    entries = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if words and words[0] == rule:
            entries.add((words[1], words[2]))
    return entries


def check(rule, tree, allowed):
    """The lines to print; none where the rule is kept."""
    findings = list(RULES[rule](tree))
    needed = {(finding.path, finding.subject) for finding in findings}
    lines = [str(finding) for finding in findings
             if (finding.path, finding.subject) not in allowed]
    lines += [f"tests/tidy/allowed.txt: '{rule} {path} {subject}' is not needed any more: remove it"
              for path, subject in sorted(allowed - needed)]
    return lines


def main():
    parser = argparse.ArgumentParser(
        description="Checks one rule of the code's style.",
        epilog="rules: " + ", ".join(RULES))
    parser.add_argument("rule", choices=RULES, metavar="RULE")
    parser.add_argument("compiler", nargs="*", help="the compiler's command, default g++")
    options = parser.parse_args()
    tree = Tree(ROOT, options.compiler or ["g++"])
    try:
        lines = check(options.rule, tree,
                      read_allowed(ROOT / "tests/tidy/allowed.txt", options.rule))
    except CannotCheck as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    print("\n".join(lines) if lines else f"{options.rule}: {len(tree.files)} files, nothing found")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
