"""What a report says in words: the question, the verdict, the data."""

from fedsoft.analysis.conclusions import Conclusion
from fedsoft.analysis.digest import Digest
from fedsoft.analysis.effects import VIEW_NAMES
from fedsoft.analysis.estimates import CONTRAST, HARDEST, MARGIN_CONTRAST, MARGIN_REST, REST
from fedsoft.analysis.values import MARGIN
from fedsoft.config import Endpoint
from fedsoft.report.numbers import amount, interval, places_for, plain, signed, within_reach
from fedsoft.report.shown import axes_name, choice_name, crowd_at, reference_name
from fedsoft.report.units_words import clients_sentence, units_sentence
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import fold_sentence

STRATA = {
    "all": "all examples",
    "unanimous": "unanimous",
    "middle": "middle",
    HARDEST: "hardest fifth",
    REST: "the rest",
    CONTRAST: "hardest fifth − the rest",
    MARGIN: "smallest margin",
    MARGIN_REST: "larger margins",
    MARGIN_CONTRAST: "smallest margin − the rest",
}
MARGIN_MEANING = (
    "“Smallest margin”: the fifth of test examples on which the model of hard is least decided, its margin "
    "being the probability of the most likely class less that of the next, by the runs of other seeds that "
    "tested the same ones; “the rest” is all others."
)
"""What the strata by a model's margin are."""
METRICS = {"accuracy": "accuracy", "brier": "Brier score", "nll": "NLL", "signed_gap": "signed gap"}
VIEWS = {
    "raw": "as predicted",
    "equal_confidence": "at equal confidence",
    "calibrated_confidence": "at equal, calibrated confidence",
    "own_temperature": "own temperature",
    "own_temperature_vote": "own temperature, one vote",
}


def verdict_sentence(found: Conclusion, endpoint: Endpoint, crowd: str) -> str:
    """The verdict on the endpoint in one sentence."""
    places = places_for((found.high - found.low) / 2)
    names = f"{endpoint.source} − {endpoint.baseline}", METRICS[endpoint.metric]
    if endpoint.metric == "signed_gap":
        names = f"|{endpoint.source}| − |{endpoint.baseline}|", "size of the signed gap"
    head = f"{found.verdict[0].upper()}{found.verdict[1:]}: "
    figures = (
        f"{names[0]} is {signed(found.estimate, places)} {names[1]} (95 % interval "
        f"{interval(found.low, found.high, places)}) on {_where(endpoint, crowd)}"
    )
    if found.obstacle:
        return f"{head}{found.obstacle.why}. To mend it, {found.obstacle.mend}. For the record: {figures}."
    if found.verdict.startswith("undecided"):
        if found.seeds == 1:
            return f"{head}one seed says nothing of other runs; give more seeds. For the record: {figures}."
        if not within_reach(found.smallest, endpoint.metric):
            return f"{head}{figures}; of effects none could have been seen by this study, however large."
        seen = plain(found.smallest, places)
        return f"{head}{figures}; the smallest effect this study could have seen is {seen}."
    if found.verdict == "as good":
        return f"{head}{figures}: all of it within the margin of ±{endpoint.margin_used:g}."
    return f"{head}{figures}."


def disagreement(found: Conclusion, crowd: str) -> str:
    """That other references give the effect the other sign, where they do."""
    others = [
        f"against {reference_name(reference, crowd)} it is {signed(estimate)} ({interval(low, high)})"
        for reference, (estimate, low, high) in found.disagree.items()
    ]
    return f"References disagree in sign: {'; '.join(others)}." if others else ""


def _where(endpoint: Endpoint, crowd: str) -> str:
    stratum = {
        "all": "all examples",
        HARDEST: "the hardest fifth",
        "unanimous": "unanimous examples",
        "middle": "the middle stratum",
    }.get(endpoint.stratum, endpoint.stratum)
    against = reference_name(endpoint.reference, crowd)
    return f"{stratum} {VIEW_NAMES[endpoint.view]}, measured against {against}, under {endpoint.strategy}"


def headline(result: Digest) -> str:
    """The verdict in one sentence, over all cells of the grid, or why there is none."""
    endpoint, found = result.opened.plan.study.endpoint, result.conclusions
    if endpoint is None:
        return "No verdict: this study named no endpoint before it ran, so all its figures are exploratory."
    if not found:
        return f"No verdict yet: not enough data, no seed has all its runs under {endpoint.strategy}."
    if len(found) == 1:
        only = found[0]
        return _verdict_at(result, endpoint, only)
    words = [conclusion.verdict for conclusion in found]
    counts = ", ".join(f"{word} in {words.count(word)}" for word in dict.fromkeys(words))
    return (
        f"Of {len(found)} cells of the grid, {counts}: {endpoint.source} − {endpoint.baseline}, "
        f"{METRICS[endpoint.metric]} on {_where(endpoint, result.crowd)}."
    )


def cell_verdicts(result: Digest) -> list[str]:
    """The verdict on the endpoint in each cell of the grid."""
    endpoint = result.opened.plan.study.endpoint
    return [
        f"{axes_name(found.axes)}: {_verdict_at(result, endpoint, found)}"
        for found in result.conclusions
        if endpoint
    ]


def _verdict_at(result: Digest, endpoint: Endpoint, found: Conclusion) -> str:
    """The verdict in a cell, and where references disagree on it, in the words of the cell's data."""
    crowd = crowd_at(result, found.axes)
    return f"{verdict_sentence(found, endpoint, crowd)} {disagreement(found, crowd)}".rstrip()


def verdict_notes(result: Digest) -> list[str]:
    """What the verdict rests on."""
    endpoint = result.opened.plan.study.endpoint
    if endpoint is None or not result.conclusions:
        return []
    better = "nearer to zero" if endpoint.metric == "signed_gap" else "lower"
    name, stand = METRICS[endpoint.metric], "stand in the study file"
    if {"metric", "reference", "stratum", "view", "strategy", "margin"} - endpoint.model_fields_set:
        stand += ", or are the usual ones where it names none,"
    notes = [
        f"{name[0].upper()}{name[1:]}: {better} is better. The comparison, its reference, stratum and "
        f"strategy, and the margin for “as good” (±{endpoint.margin_used:g}), {stand} and were fixed before "
        "the study ran; everything else on this page is exploratory."
    ]
    if len(result.conclusions) > 1:
        notes.append(
            f"Intervals are Holm-adjusted over the {len(result.conclusions)} cells of the grid, for "
            "“better” and “worse” as for “as good”."
        )
    if min(found.seeds for found in result.conclusions) == 1:
        noun = load_dataset(result.opened.plan.study.dataset).noun
        notes.append(f"With one seed, the interval speaks of other {noun} but not of other runs.")
    return notes


LONGEST_NAMES = 140
"""Characters of all classes' names, up to which these are told."""


def data_line(result: Digest) -> str:
    """The data, the crowd, seeds, clients and what intervals are over, in one paragraph."""
    study = result.opened.plan.study
    sets = list(dict.fromkeys(cell.study.dataset for cell in result.opened.plan.cells))
    data, scenario = load_dataset(sets[0]), study.scenario
    if data.votes is None:
        votes = "labels only, no votes"
    else:
        each = data.votes[data.voted].sum(axis=1)
        mean = plain(float(each.mean()), places=0 if each.min() == each.max() else 1)
        kind = "vote" if data.counted else "soft answer"
        votes = f"{data.crowd_name}, {mean} {kind}{'' if mean == '1' else 's'} each"
        if not data.voted.all():
            votes += f" on {amount(int(data.voted.sum()))} of them"
    part = f", {scenario.participation:.0%} of them a round" if scenario.participation < 1 else ""
    if scenario.sampling == "poisson":
        part = f", each of them in a round with probability {scenario.participation:g}"
    counts = study.grid.get("scenario.clients", (scenario.clients,))
    who = f"{' and '.join(map(str, counts))} client{'s' if counts[-1] != 1 or len(counts) > 1 else ''}"
    named = ", ".join(data.class_names)
    classes = f"{data.classes} classes" + (f" ({named})" if len(named) <= LONGEST_NAMES else "")
    simulated = " Where parties have a crowd, simulated people answer instead of these." * scenario.simulated
    first = f" (the first of {len(sets)} datasets)" * (len(sets) > 1)
    return (
        f"Data{first}: {data.name}, {amount(len(data))} {data.noun} in {classes}, {votes}.{simulated} "
        f"{who}{part}, partition {choice_name(scenario.partition)}. {_seeds(study.seeds)}. "
        + " ".join(
            part
            for part in (
                fold_sentence(data, study.folds),
                units_sentence(result),
                clients_sentence(result),
                *data.notes,
            )
            if part
        )
    )


def credit(result: Digest) -> str:
    """Whose data these are, where that must be said."""
    return load_dataset(result.opened.plan.study.dataset).attribution or ""


def _seeds(seeds: tuple[int, ...]) -> str:
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[-1] + 1)):
        return f"Seeds {seeds[0]} to {seeds[-1]}"
    return f"Seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
