"""What a study cannot say, in words."""

import math

from fedsoft.config import Study
from fedsoft.report.agreement_tables import ceiling_lines
from fedsoft.report.numbers import interval, plain, signed, within_reach
from fedsoft.report.shown import Shown
from fedsoft.report.units_words import counts_sets, replicate_count, replicates
from fedsoft.study.data import load_dataset
from fedsoft.supervision.teacher import Teacher

SEEDS_WANTED = 10
"""Seeds, or sets of people, that intervals which speak of other runs should rest on."""


def unsaid(shown: Shown) -> list[str]:
    """What a cell of a study cannot tell, and what it would take."""
    study = shown.study
    data, said = load_dataset(study.dataset), []
    conclusion = shown.conclusion
    if conclusion and conclusion.obstacle:
        said.append(f"There is no verdict: {conclusion.obstacle.why}. {_sentence(conclusion.obstacle.mend)}")
    elif conclusion and conclusion.verdict.startswith("undecided") and conclusion.seeds > 1:
        metric = study.endpoint.metric if study.endpoint else ""
        seen = (
            plain(conclusion.smallest) if within_reach(conclusion.smallest, metric) else "none, however large"
        )
        wanted = max(abs(conclusion.estimate), study.endpoint.margin_used if study.endpoint else 0)
        times = (conclusion.smallest / wanted) ** 2 if wanted else math.inf
        said.append(
            f"Whether the endpoint's difference of {signed(conclusion.estimate)} is more than chance: this "
            f"study would have seen {seen}; to see {plain(wanted)} takes "
            f"{_times(times)} as much data or as many {replicates(study)}."
        )
    said += _too_few(study)
    if shown.labels_are_majority:
        said.append(
            "The labels are the most frequent votes themselves, so nothing can be said of whether votes "
            "correct wrong labels, or of the truth; it would take one of another origin (a biopsy, an "
            f"expert panel, gold {shown.noun})."
        )
    if not shown.cell.rests and any(shown.arms[source].source for source in study.pair):
        said.append("Whether training had come to rest: no client has validation examples to tell it by.")
    if models := _own_models(study):
        what = f"your own {'model' if len(models) == 1 else 'models'} {' and '.join(models)}"
        said.append(
            f"What {what} learned from is not known here: having seen labels of the tested {shown.noun} "
            "makes it look better than it is, and having seen those that a teacher labels makes it too sure."
        )
    if data.votes is None:
        said.append("Without votes, nothing can be said of agreement with people; it takes two or more each.")
    if conclusion:
        for reference, (estimate, low, high) in conclusion.disagree.items():
            said.append(
                f"Against {shown.against(reference)} the endpoint's difference has the other sign "
                f"({signed(estimate)}, {interval(low, high)}): which of the two matters is not for data to "
                "say."
            )
    return said + ceiling_lines(shown)


def _too_few(study: Study) -> list[str]:
    """That intervals rest on few seeds, or on few sets of people where they count these."""
    number, sets = replicate_count(study), counts_sets(study)
    more = " (`sets` of the partition, and at least as many seeds)" * sets
    if number == 1:
        what = "other people" if sets else "other runs"
        return [
            f"With one {'set of people' if sets else 'seed'}, nothing can be said of {what}; {SEEDS_WANTED} "
            f"would do{more}."
        ]
    if number < SEEDS_WANTED // 2:
        return [f"{number} {replicates(study)} make wide intervals; {SEEDS_WANTED} would do better{more}."]
    return []


def _own_models(study: Study) -> list[str]:
    """Models of the user's own that are an arm, or that arms or parties learn from."""
    sources = [*(arm.source for arm in study.arms), *(party.source for party in study.scenario.parties)]
    taught = [source.own for source in sources if isinstance(source, Teacher)]
    return sorted({model for model in (*taught, *(arm.own for arm in study.arms)) if model})


def _times(value: float) -> str:
    return "over a hundred times" if not value < 100 else f"about {max(value, 2):.0f} times"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."
