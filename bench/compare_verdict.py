"""Words for numbers: the verdict, who wins what, where each one loses. All of it follows from the
judgements; no sentence here knows which server is which."""

from compare_summary import good_runs, judgements
from spread import ROUNDS_FOR_VERDICT
from units import significant

# The figures that the paragraph goes through; the tables have all of them.
HEADLINES = ("messages_per_second", "deliveries_per_second", "messages_per_cpu_second",
             "deliveries_per_cpu_second", "own_copy_p99", "memory_peak", "system_calls_per_delivery")
NO_DIFFERENCE = "no clear difference"


def title_of(results, label):
    """The name of a contender as people read it."""
    return next(server["title"] for server in results["servers"] if server["label"] == label)


def load_title(results, name):
    """The title of a load."""
    return next(load["title"] for load in results["loads"] if load["name"] == name)


def _short_title(results, judgement):
    return next(load["short"] for load in results["loads"] if load["name"] == judgement.load)


def rounds_known(results):
    """The fewest good rounds that any contender has under any load."""
    return min((len(good_runs(results, load["name"], server["label"]))
                for load in results["loads"] for server in results["servers"]), default=0)


def ratio_text(judgement):
    """`1.21 × (1.15–1.30)`: of the medians, and the range of the rounds."""
    ratio = judgement.ratio
    text = f"{significant(ratio['median'])} ×"
    low, high = significant(ratio["min"]), significant(ratio["max"])
    return text if low == high else f"{text} ({low}–{high})"


def difference_text(results, judgement):
    """A cell of a table: who is ahead by how much, or that nobody clearly is."""
    if judgement.clear:
        return f"**{title_of(results, judgement.better)}** {ratio_text(judgement)}"
    if rounds_known(results) < ROUNDS_FOR_VERDICT:
        return f"{title_of(results, judgement.better)} {ratio_text(judgement)}"
    return NO_DIFFERENCE


def _listed(words):
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _wins(results, counted):
    wins = []
    for server in results["servers"]:
        count = sum(judgement.better == server["label"] for judgement in counted)
        wins.append(f"{server['title']} in {count}")
    return _listed(wins)  # "a in 3 and b in 5"


def _count_sentence(results, found):
    clear = [judgement for judgement in found if judgement.clear]
    total = f"Of {len(found)} figures over {len(results['loads'])} loads"
    if rounds_known(results) < ROUNDS_FOR_VERDICT:
        return (f"With fewer than {ROUNDS_FOR_VERDICT} rounds chance sets ranges apart too "
                f"often, so this is an indication and no verdict. {total}, the better one is "
                f"{_wins(results, found)}.")
    return (f"{total}, the clearly better one is {_wins(results, clear)}; "
            f"{len(found) - len(clear)} show {NO_DIFFERENCE}.")


def _metric_sentence(results, found):
    """One sentence on one figure: who is ahead under which loads, and where nobody is."""
    few = rounds_known(results) < ROUNDS_FOR_VERDICT
    parts = []
    for server in results["servers"]:
        ahead = [f"{_short_title(results, judgement)} by {ratio_text(judgement)}"
                 for judgement in found
                 if judgement.better == server["label"] and (judgement.clear or few)]
        if ahead:
            parts.append(f"{server['title']} is ahead with {_listed(ahead)}")
    even = [_short_title(results, judgement) for judgement in found
            if not judgement.clear and not few]
    if even:
        parts.append(f"{NO_DIFFERENCE} with {_listed(even)}")
    title = found[0].metric.title
    return f"{title[0].upper()}{title[1:]}: {'; '.join(parts)}."


def paragraph(results):
    """The verdict in one paragraph."""
    if len(results["servers"]) < 2:
        return "One server alone was measured: there is nothing to compare it with."
    found = judgements(results)
    if not found:
        return "No pair of runs ended well, so there is nothing to compare."
    sentences = [_count_sentence(results, found)]
    for name in HEADLINES:
        of_metric = [judgement for judgement in found if judgement.metric.name == name]
        if of_metric:
            sentences.append(_metric_sentence(results, of_metric))
    return " ".join(sentences)


def losses(results):
    """{server label: its clear losses, the worst first}."""
    clear = [judgement for judgement in judgements(results) if judgement.clear]
    return {server["label"]: sorted(
        (judgement for judgement in clear if judgement.worse == server["label"]),
        key=lambda judgement: -judgement.ratio["median"]) for server in results["servers"]}
