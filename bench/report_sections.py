"""What the reports of bench/fanout and bench/history have in common: warnings, losses, the machine, the
commands; each as Markdown blocks made from results.json."""

from markdown import table
from results_file import problems
from spread import ROUNDS_FOR_VERDICT
from units import significant

# A generator that is busy for longer than this share of the time is the limit, not the server.
GENERATOR_BUSY = 0.95
DISTURBED_SHARE = 0.02  # of the machine, taken by programs that are no part of the run


def warnings(results):
    """What makes the figures less trustworthy than they look."""
    runs = [run for run in results["runs"] if run["problem"] is None]
    shares = [run["other_cpu_share"] for run in runs if "other_cpu_share" in run]
    cores = [run["figures"]["generator_cores"] for run in runs if "generator_cores" in run["figures"]]
    busy = sum(share > GENERATOR_BUSY for share in cores)
    rounds = results["settings"]["rounds"]
    lines = []
    if results["quick"]:
        lines.append("One short round: an indication, no measurement.")
    elif rounds < ROUNDS_FOR_VERDICT:
        lines.append(f"Fewer than {ROUNDS_FOR_VERDICT} rounds: chance alone sets ranges apart often, so "
                     "who loses below is an indication.")
    if shares and sum(shares) / len(shares) > DISTURBED_SHARE:
        lines.append(f"Other programs took {100 * sum(shares) / len(shares):.0f} % of the machine "
                     f"(up to {100 * max(shares):.0f} %).")
    if busy:
        lines.append(f"In {busy} of {len(cores)} runs the load generator used its core for more "
                     f"than {100 * GENERATOR_BUSY:.0f} % of the time: their rates are its own.")
    if results["interrupted"]:
        lines.append("Interrupted: not all runs were made.")
    return [f"> ⚠ {line}" for line in lines]


def failures(results):
    """A line for every run that failed."""
    return [f"> ⚠ {run['contender']}, {run['load']}: " + run["problem"].replace("\n", "<br>")
            for run in problems(results)]


def losses(titles, found, words, before=lambda _: []):
    """A block for each contender of `titles` {label: title}: its losses among those `found`, the worst
    first. `words` names a loss; `before` gives a label's lines that come first."""
    blocks = []
    for label, title in titles.items():
        lost = sorted((loss for loss in found if loss.loser == label), key=lambda loss: -loss.factor)
        lines = [*before(label),
                 *(f"- {words(loss)}: {titles[loss.winner]} is ahead by {significant(loss.factor)} ×"
                   for loss in lost)]
        blocks.append(f"**{title}**\n\n" + ("\n".join(lines) or "Nowhere clearly."))
    return blocks


def mitigations(environment):
    """What this kernel does against the processor's faults."""
    found = environment["mitigations"]
    return "; ".join(f"{name}: {words}" for name, words in found.items()) or "none needed"


def system_call(environment):
    """A row of a table; older results do not tell."""
    found = environment.get("system_call_ns")
    return ["a system call (getppid)", "unknown" if found is None else f"{found} ns"]


def machine(results):
    """What the figures depend on: commit, machine, build, versions."""
    found = results["environment"]
    rows = [["commit", f"`{results['commit']}`" + (" with local changes" if results["dirty"] else "")],
            *([name, f"`{value}`"] for name, value in found.items()
              if name not in ("mitigations", "system_call_ns")),
            system_call(found),
            ["mitigations", mitigations(found)],
            *([name, str(value)] for name, value in results["build"].items()),
            *([name, " ".join(text.split())] for name, text in results["versions"].items())]
    return table(["", ""], rows)


def commands(results):
    """The script's own command, and those of the first run of each contender and load."""
    seen = {}
    for run in results["runs"]:
        for kind in ("server_command", "load_command"):
            if kind in run:
                seen.setdefault((run["contender"], run["load"], kind), " ".join(run[kind]))
    lines = [f"    {results['command']}", ""]
    return "\n".join(lines + [f"    {text}" for text in dict.fromkeys(seen.values())])
