"""What taking a single run has in common in all bench scripts.

Nothing is judged there. A run that fails is a result like any other: `problem` says what happened,
and the report shows it.
"""

import shutil
from pathlib import Path

import results_file
from child import ChildError


class Runner:
    """Takes runs one after the other, each in a folder of its own below `work`; `settings` are those
    of results.json."""

    def __init__(self, build, work, settings):
        self._build = Path(build)
        self._work = Path(work)
        self._folder = self._work / "run"
        self._settings = settings

    def _attempt(self, run, measure, *arguments):
        """What results.json keeps of a run: measure(run, *arguments) adds to it."""
        run["problem"] = None
        self._folder.mkdir()
        try:
            measure(run, *arguments)
        except ChildError as error:
            self._fail(run, str(error))
        except (LookupError, ArithmeticError, TypeError, ValueError) as error:
            # Such as a run in whose window nothing was sent.
            self._fail(run, f"no figures can be made of its result: {error!r}")
        finally:
            shutil.rmtree(self._folder)
        return results_file.without_paths(run, self._build, self._work)

    @staticmethod
    def _fail(run, problem):
        run["problem"] = "\n".join(filter(None, [run["problem"], problem]))
        if "figures" in run:
            run["figures"] = {}
