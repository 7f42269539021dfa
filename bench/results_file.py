"""results.json of the bench scripts: what stands at its head, how it is written, its name."""

import datetime
import itertools
import json
import shlex
import tempfile

import machine
from preparation import ROOT


def head(script, options, arguments, versions):
    """What every results.json begins with, made before the first run. `script` is the last part of
    bench/SCRIPT; `options` has quick, build and the times."""
    now = datetime.datetime.now(datetime.timezone.utc)
    commit, dirty = machine.commit(ROOT)
    return {
        "schema_version": 1, "program": f"bench/{script}",
        "name": now.strftime("%Y-%m-%d") + f"-{script}" + ("-quick" if options.quick else ""),
        "quick": options.quick, "interrupted": False,
        "started": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": shlex.join([f"bench/{script}", *arguments]), "commit": commit, "dirty": dirty,
        "environment": machine.describe(tempfile.gettempdir()),
        "build": machine.build_options(options.build), "versions": versions,
        "settings": {"rounds": options.rounds, "duration_seconds": options.duration,
                     "warm_up_seconds": options.warm_up},
        "reports": str(options.out.resolve()).replace(f"{ROOT}/", ""),
    }


def without_paths(run, build, work):
    """The same with the folders of this machine taken out of commands and messages."""
    text = json.dumps(run, ensure_ascii=False)
    text = text.replace(str(work), "$WORK").replace(str(build), "build").replace(f"{ROOT}/", "")
    return json.loads(text)


def run_lists(results):
    """{name: runs} of the lists of runs, which are those whose names end so."""
    return {name: runs for name, runs in results.items() if name.endswith("runs")}


def problems(results):
    """Every run that failed."""
    return [run for runs in run_lists(results).values() for run in runs
            if run["problem"] is not None]


def dump(results):
    """JSON with one line for each run, so that a difference between two files can be read; the
    runs come last."""
    lists = run_lists(results)
    text = json.dumps({name: value for name, value in results.items() if name not in lists},
                      indent=1, ensure_ascii=False)[:-2]
    for name, runs in lists.items():
        runs = ",\n  ".join(json.dumps(run, ensure_ascii=False) for run in runs)
        text += f',\n "{name}": [\n  {runs}\n ]'
    return text + "\n}\n"


def unused_name(folder, name):
    """The name of a report, with -2, -3 and so on behind it where the folder has one already."""
    for number in itertools.count(1):
        free = name if number == 1 else f"{name}-{number}"
        if not (folder / free).exists() and not (folder / f"{free}.md").exists():
            return free


def store(results, out):
    """Writes results.json into a new folder below `out`, which gives the results their name; returns
    the folder."""
    results["name"] = unused_name(out, results["name"])
    folder = out / results["name"]
    folder.mkdir()
    (folder / "results.json").write_text(dump(results))
    return folder
