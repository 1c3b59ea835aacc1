"""Which sources and rivals some data can give, and which they cannot."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.plural import plural
from fedsoft.starting.answers import Trainable
from fedsoft.starting.draft import Entry

ENOUGH_TO_VALIDATE = 10
"""From so many validation examples on, something is fitted to them or stopped by them."""
ANSWERS_A_CLASS = 5
"""So many answers a class tell how a person confuses classes; the rest is borrowed from the crowd."""
ANSWERS = 10
"""So many answers tell how reliable a person is."""
SMOOTHED = {"name": "smoothing", "rate": 0.1}
FIRST = (
    "hard", "human_soft", "human_soft_mode_matched", "shuffled_mode_matched",
    {"name": "votes_k", "k": 1}, SMOOTHED,
)  # fmt: skip
"""What is compared where a run takes long."""


@dataclass(frozen=True)
class Offer:
    """What a study can compare.

    Attributes:
        sources: what clients train on, the baseline first.
        rivals: sources trained otherwise, or calibrated.
        absent: what is left out, and why.
        trial: the source on trial, as the study file spells it.
        few_votes: whether items have fewer votes than a source buys, and why that is known; else empty.
    """

    sources: tuple[Entry, ...]
    rivals: tuple[Entry, ...]
    absent: tuple[tuple[str, str], ...]
    trial: Any
    few_votes: str = ""


def offer(part: Trainable, validating: int, lean: bool = False) -> Offer:
    """What can be compared on some data.

    Args:
        part: what may be trained on.
        validating: how many validation examples a seed is likely to have.
        lean: whether runs take so long that a first look should compare what matters most.
    """
    voted = 2 * len(part.votes) >= len(part.rows)
    reason = _no_people(part)
    rivals, absent = _rivals(validating, voted and not reason)
    if reason:
        sources = (
            Entry("hard", "the label: the baseline"),
            Entry(SMOOTHED, "does smoothing, which asks nobody, do better?"),
        )
        return Offer(sources, rivals, (("human_soft and what is made of it", reason), *absent), SMOOTHED)
    of_people, left = _of_people(part)
    draws, few_votes, more = _cheap_crowds(part)
    aggregation, why = _aggregation(part)
    of_people += [
        *draws,
        *([aggregation] if aggregation else []),
        Entry("smoothing", "does uniform smoothing as soft as people do as well?"),
        Entry(SMOOTHED, "does smoothing that asks nobody do as well?"),
    ]
    left += [*more, *([] if aggregation else [("dawid_skene, one_coin, wawa", why)])]
    if lean:
        waiting = [entry for entry in of_people if entry.value not in FIRST]
        of_people = [entry for entry in of_people if entry.value in FIRST]
        names = ", ".join(dict.fromkeys(_name(entry.value) for entry in waiting))
        left.append((names, "a net on images takes its time; add them once the first look is promising"))
    left.append(
        ("teacher, ensemble", "they train further models, to put a model's uncertainty in place of people's")
    )
    return Offer(tuple(of_people), rivals, (*left, *absent), "human_soft", few_votes)


def _name(source: Any) -> str:
    return source if isinstance(source, str) else str(source["name"])


def _no_people(part: Trainable) -> str:
    """Why nothing can be made of people's answers; empty where something can."""
    noun = part.data.noun
    if part.data.votes is None:
        return "there are no answers of people"
    if not len(part.votes):
        return f"nobody answered the {noun} that may be trained on"
    if part.agreed:
        return f"every answer is the label of its {noun[:-1]}, so that they would train on what `hard` does"
    return ""


def _of_people(part: Trainable) -> tuple[list[Entry], list[tuple[str, str]]]:
    """Sources that are made of all answers, and those that these data make no sense of."""
    majority, noun = part.data.labels_are_majority, part.data.noun
    one = noun[:-1]
    sources = [
        Entry("hard", "the majority of answers: the baseline" if majority else "the label: the baseline"),
        Entry("human_soft", "what do people's answers buy, all together?"),
    ]
    left: list[tuple[str, str]] = []
    if majority:
        why = "labels are the answers' own majority, so that it differs from {} in ties alone"
        left += [
            ("human_hard", why.format("`hard`")),
            ("human_soft_mode_matched", why.format("`human_soft`")),
        ]
    else:
        sources += [
            Entry("human_hard", "what does their majority buy, in place of the label?"),
            Entry("human_soft_mode_matched", "what does softness buy, with the label kept on top?"),
        ]
    if not part.data.counted:
        left.append(("human_soft_shrunk", "answers are shares, which cannot be counted"))
    elif not part.spread_known:
        few = f"too few {noun} have two answers, which would tell how far people differ on one"
        left.append(("human_soft_shrunk", few))
    else:
        sources.append(Entry("human_soft_shrunk", "does it help to take out the noise of few answers?"))
    sources += [
        Entry("mass_only", f"is it how soft each {one} is, and not toward which classes?"),
        Entry("shuffled_mode_matched", f"would the softness of another {one} with that label do?"),
        Entry("human_class_mean", f"would one soft label a class do, without answers to each {one}?"),
    ]
    return sources, left


def _cheap_crowds(part: Trainable) -> tuple[list[Entry], str, list[tuple[str, str]]]:
    """Crowds of one answer and of some, where that is fewer than all; which items have too few."""
    if not part.data.counted:
        return [], "", [("votes_k", "answers are shares, of which none can be drawn")]
    middle = float(np.median(part.totals))
    numbers = [k for k in (1, 3 if middle > 3 else 2) if k < middle]
    if not numbers:
        return [], "", [("votes_k", f"most {part.data.noun} have one answer, which human_soft takes")]
    asks = {1: "would one answer an item do?", 2: "would two?", 3: "would three?"}
    short = int((part.totals < numbers[-1]).sum())
    few = ""
    if short:
        has = "has" if short == 1 else "have"
        few = (
            f"{short:,} of {len(part.totals):,} {part.data.noun} {has} fewer than {numbers[-1]} answers: "
            "take what there is"
        )
    return [Entry({"name": "votes_k", "k": k}, asks[k]) for k in numbers], few, []


def _aggregation(part: Trainable) -> tuple[Entry | None, str]:
    """The finest aggregation that people's answers bear; or why none."""
    if not len(part.given):
        return None, "who answered what is not known"
    if len(part.given) < 3:
        return None, f"{plural(len(part.given), 'person', 'people')} gave all answers"
    if part.totals.mean() < 1.5:
        return None, "most items have one answer, so that people cannot be held against each other"
    if part.usual >= ANSWERS_A_CLASS * part.data.classes:
        return Entry("dawid_skene", "does it help to weigh people by what they confuse?"), ""
    if part.usual >= ANSWERS:
        return Entry("one_coin", "does it help to weigh people by how reliable they are?"), ""
    return None, f"half of the answers are of people who gave {part.usual} or fewer, too few to know them by"


def _rivals(validating: int, voted: bool) -> tuple[tuple[Entry, ...], tuple[tuple[str, str], ...]]:
    """Rivals, as far as there are validation examples and answers to fit them to."""
    decay = Entry({"source": "hard", "training.weight_decay": 0.01}, "does weight decay?")
    ensemble = (
        "members = 5 (an ensemble)",
        "it trains five models; worth its time in a larger study",
    )
    if validating < ENOUGH_TO_VALIDATE:
        few = f"a seed has about {plural(validating, 'example')} to fit or stop by"
        return (decay,), (("temperatures, early stopping", few), ensemble)

    def made() -> Iterator[Entry]:
        yield Entry({"source": "hard", "calibration": "temperature"}, "does one temperature do as well?")
        if voted:
            on_vote = {"name": "temperature", "on": "vote"}
            yield Entry({"source": "hard", "calibration": on_vote}, "fitted to one answer an item?")
        yield decay
        yield Entry({"source": "hard", "training.stop": "best_validation"}, "does early stopping?")
        if voted:
            both = {"source": "human_soft", "training.stop": "best_validation"}
            yield Entry(both, "do answers add to that?")

    return tuple(made()), (ensemble,)
