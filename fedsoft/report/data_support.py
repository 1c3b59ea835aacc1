"""What studies a dataset can and cannot support, in plain words, and what one would take."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fedsoft.annotators.mode_shifts import ModeShifts
from fedsoft.annotators.people import People
from fedsoft.annotators.spread import ENOUGH
from fedsoft.datasets import AnnotatedDataset
from fedsoft.datasets.about import are_modes
from fedsoft.plural import plural
from fedsoft.report.numbers import duration, plain

FOLDS = 5
HARD = 100
"""Tested items of a stratum from which on its figures are worth reading."""
ROUNDS, SEEDS = 40, 10
PER_ITEM, PER_PIXEL = 2.4e-6, 2e-7
"""Seconds of one core a round and training item, a perceptron of 64 hidden units on up to 256 features; and a
round, item and pixel, a small convolutional net (`make bench`)."""
ITEM_SD = 0.12
"""Of the difference between two sources' Brier scores on an item, averaged over ten seeds: what the
federated cells of radiologists.toml and people.toml could see lies within a factor of two of it."""

Can = Literal["yes", "partly", "no"]


@dataclass(frozen=True)
class Support:
    """Whether one question can be asked.

    Attributes:
        what: the question, in a word or two.
        can: the answer.
        why: what it rests on.
    """

    what: str
    can: Can
    why: str


def supports(data: AnnotatedDataset, people: People | None, shifts: ModeShifts | None) -> list[Support]:
    """Everything that a study might ask of these data.

    Args:
        data: the dataset.
        people: who gave the answers, where that is known.
        shifts: how often the votes' mode is not the label, where labels are independent of the votes.
    """
    return [
        _softness(data),
        _correction(data, shifts),
        _votes_k(data),
        _aggregation(data, people),
        _people_as_clients(people),
        _groups(data),
        _privacy(data),
        _hard(data),
        _folds(data),
    ]


def study_line(data: AnnotatedDataset) -> str:
    """What a study would take, and the smallest effect that it could see: rough guesses both."""
    if not data.inputs.size:
        return (
            "A study takes images or features beside these answers: `fedsoft data check images --set "
            "annotations=…` for a folder of images, or an .npz with `features` and `item_ids`."
        )
    tested = int(data.may_be_tested.sum())
    trained = len(data) * (FOLDS - 1) / FOLDS if data.held_out is None else len(data) - tested
    pixels = math.prod(data.inputs.shape[1:])
    cost = PER_ITEM if data.inputs.ndim == 2 else PER_PIXEL * pixels
    model = "a small perceptron" if data.inputs.ndim == 2 else "a small convolutional net"
    seconds = max(trained * cost * ROUNDS * SEEDS * 2, 1.0)
    smallest = 3 * ITEM_SD / math.sqrt(tested)
    return (
        f"Two sources over {ROUNDS} rounds and {SEEDS} seeds, {model}: about {duration(seconds)} on one "
        f"core. The smallest effect on the Brier score that they could see is roughly {plain(smallest)} "
        f"(3 × {ITEM_SD} / √{tested:,} tested), give or take a factor of two."
    )


def _each(data: AnnotatedDataset) -> np.ndarray:
    """(N,) votes an item; none without."""
    return np.zeros(len(data)) if data.votes is None else data.votes.sum(axis=1)


def _apart(data: AnnotatedDataset) -> np.ndarray:
    """(N,) whether an item's votes disagree."""
    if data.votes is None:
        return np.zeros(len(data), dtype=bool)
    apart: np.ndarray = _each(data) - data.votes.max(axis=1) > 1e-9
    return apart


def _softness(data: AnnotatedDataset) -> Support:
    what = "softness"
    if data.votes is None:
        return Support(what, "no", "there are no votes; smoothing and teachers need none")
    if not (_each(data) > 0).any():
        return Support(what, "no", "no item has a vote")
    apart, several = _apart(data), _each(data) > (1 if data.counted else 0)
    if not apart.any():
        return Support(what, "no", "nobody disagrees, so soft and hard targets are the same")
    share = apart.sum() / several.sum()
    text = f"votes disagree on {_percent(share)} of {data.noun}"
    if not several.all():
        one = int((_each(data) > 0).sum()) - int(several.sum())
        none = int((_each(data) == 0).sum())
        rest = [f"{count:,} have {what}" for count, what in ((one, "one"), (none, "none")) if count]
        return Support(what, "partly", f"{text} that have two or more; {', '.join(rest)}")
    return (
        Support(what, "yes", text) if share >= 0.05 else Support(what, "partly", f"{text}, which is little")
    )


def _correction(data: AnnotatedDataset, shifts: ModeShifts | None) -> Support:
    what = "correction"
    if data.votes is None:
        return Support(what, "no", "it needs votes beside labels")
    if data.labels_are_majority:
        return Support(what, "no", "it needs labels from elsewhere; these are the votes' own majority")
    if not data.counted:
        shifted = ~are_modes(data.labels, data.votes)[data.voted]
        text = f"the votes' mode is not the label on {_percent(shifted.mean())} of {data.noun}"
        return Support(what, "partly", f"{text}; how much of that is chance, shares do not tell")
    if shifts is None:
        return Support(what, "no", "no item has both a label of its own and votes")
    if not shifts.observed:
        return Support(what, "no", "every label is the mode of its votes, so there is nothing to correct")
    text = f"the votes' mode is not the label on {_percent(shifts.observed)} of {data.noun}"
    if math.isnan(shifts.added):
        return Support(what, "partly", f"{text}; how much of that is chance, single votes do not tell")
    text += f", of which sampling so few votes adds {_percent(max(shifts.added, 0.0))}"
    return Support(what, "yes" if shifts.beyond >= 0.01 else "partly", text)


def _votes_k(data: AnnotatedDataset) -> Support:
    what = "cheap crowds"
    if data.votes is None:
        return Support(what, "no", "there are no votes to draw from")
    if not data.counted:
        return Support(what, "no", "votes are shares, of which none can be drawn")
    train = data.voted if data.held_out is None else data.voted & ~data.held_out
    if not train.any():
        return Support(what, "no", f"no {data.noun} to train on have votes")
    fewest = int(_each(data)[train].min())
    most = int(_each(data)[train].max())
    if fewest < most and most > 1:
        text = f'votes_k with k = {fewest}; up to {most} where there are so many, by few_votes = "take"'
        return Support(what, "partly" if fewest == 1 else "yes", text)
    if fewest < 2:
        return Support(what, "no", f"all {data.noun} to train on have one vote")
    return Support(what, "yes", f"votes_k up to k = {fewest}")


def _aggregation(data: AnnotatedDataset, people: People | None) -> Support:
    what = "aggregation"
    if people is None:
        return Support(what, "no", "it is not known who gave which answer")
    if len(people) < 2:
        return Support(what, "no", "one person gave every answer")
    median = int(np.median(people.answers))
    if median < ENOUGH:
        text = f"half of the people gave {plural(median, 'answer')} or fewer: little is known of each"
        return Support(what, "partly", text)
    return Support(what, "yes", f"half of the people gave {median:,} answers or more")


def _people_as_clients(people: People | None) -> Support:
    what = "people as clients"
    if people is None:
        return Support(what, "no", "it is not known who gave which answer")
    enough = int((people.answers >= ENOUGH).sum())
    text = f"{enough:,} of {plural(len(people), 'person', 'people')} gave {ENOUGH} answers or more"
    return Support(what, "yes" if enough >= 10 else "partly" if enough > 1 else "no", text)


def _groups(data: AnnotatedDataset) -> Support:
    what = "natural clients"
    if data.groups is None:
        return Support(what, "no", "items have no groups; clients are dealt at random or by class")
    number = len(np.unique(data.groups))
    if number < 2:
        return Support(what, "no", "all items are of one group")
    kind = "people, each all in training or all in test" if data.people is not None else "sites"
    return Support(what, "yes", f"{number:,} groups, taken as {kind}")


def _privacy(data: AnnotatedDataset) -> Support:
    what = "private labels"
    if data.votes is None:
        return Support(what, "no", "there are no votes to make private")
    if not data.counted:
        return Support(what, "no", "votes are shares: ε is spent on whole votes")
    person = ", an annotator" if data.annotations is not None else ""
    return Support(what, "yes", f"by ε a vote, an item{person} or a client")


def _hard(data: AnnotatedDataset) -> Support:
    what = "hard examples"
    tested = data.may_be_tested
    told = data.voted if data.votes is not None and not data.counted else _each(data) > 1
    known = int((tested & told).sum())
    where = "tested" if data.held_out is None else "held out"
    if data.judges is None:
        return Support(what, "no", f"some {where} {data.noun} have no votes to tell how hard they are")
    if not known:
        return Support(what, "no", f"no {where} item has two votes to tell how hard it is")
    hard = min(known // 5, int((tested & _apart(data)).sum()))
    text = f"the hardest fifth of what is {where} has {hard:,} {data.noun}"
    return Support(what, "yes" if hard >= HARD else "partly" if hard else "no", text)


def _folds(data: AnnotatedDataset) -> Support:
    what = f"{FOLDS} folds"
    if data.held_out is not None:
        return Support(what, "no", f"the test is fixed: {int(data.held_out.sum()):,} {data.noun} held out")
    counts = np.bincount(data.labels, minlength=data.classes)
    rarest = int(counts.argmin())
    text = f"the rarest class, {data.class_names[rarest]}, has {counts[rarest]:,} {data.noun}"
    if counts[rarest] < FOLDS:
        return Support(what, "partly", f"{text}, so some folds have none of it")
    return Support(what, "yes", text)


def _percent(share: float) -> str:
    return f"{plain(100 * share, 1 if share < 0.1 else 0)} %"
