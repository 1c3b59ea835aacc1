"""What privacy takes away, in plain words."""

import math
from collections.abc import Sequence
from typing import Any

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.frontier import GAP, Contrast, Frontier, Measure, Point, rest_of
from fedsoft.report.answer import Answer
from fedsoft.report.numbers import figure, plain
from fedsoft.report.purchase_words import purchase_sentence
from fedsoft.report.shown import Shown, with_results

BRIER = Measure("raw", "label", "brier")
PEOPLE = Measure("raw", "vote", "nll")


def frontier_answers(result: Digest) -> list[Answer]:
    """The answer of a study of privacy: what is kept of an advantage, is a gain noise, what to buy."""
    found = result.frontier
    if found is None:
        return []
    source, baseline = result.opened.plan.study.pair
    asked = {
        f"Does {source} beat {baseline} once both are private?": _kept(result, found),
        "Is that only the softness of privacy's noise?": _noise(result, found),
        f"What to buy at ε = {_usual(found):g}?": _bought(result, found),
    }
    return [Answer(question, said) for question, said in asked.items() if said]


def frontier_note(result: Digest) -> str:
    """How to read the answer."""
    study = result.opened.plan.study
    note = (
        "In brackets: 95 % intervals, Holm-adjusted over all ε and settings of a question. Brier score and "
        "NLL: lower is better. At ε a vote an image with n answers spends n ε. At equal confidence: as "
        f"confident on average as {study.pair[1]} at the same ε. "
        "Own temperatures are fitted to labels in the clear; what a private one does is an arm of its own."
    )
    if study.privacy and study.privacy.labels:
        note += " Smoothing as strong as the noise is a control, which sees labels in the clear."
    return note


TABLE_NOTE = (
    "Differences of Brier scores against the label (NLL: of a person's answer); below zero: better. Below "
    "each its 95 % interval, Holm-adjusted over the column; bold: better or worse beyond doubt; grey: one of "
    "the two is no better than a constant. Every measure: frontier.csv."
)
"""How to read the table of a frontier."""


def setting_name(shown: Shown, axis: str) -> str:
    """What is private in a cell, and of whom, but for the ε along the axis: ``labels private, by vote``."""
    privacy, parts = shown.study.privacy, []
    if privacy and (labels := privacy.labels):
        along = axis.startswith("privacy.labels")
        parts += ["labels private, " + (f"ε {labels.unit_name}" if along else labels.claim)] * (
            along or not labels.off
        )
    if privacy and (model := privacy.model):
        along = axis.startswith("privacy.model")
        parts += ["models private, " + (f"ε {model.unit_name}" if along else model.claim)] * (
            along or not model.off
        )
    return "; ".join(parts) or "nothing private"


def settings_of(result: Digest, found: Frontier) -> list[tuple[str, dict[str, Any], list[Shown]]]:
    """Every combination of the other axes: its name, and its cells along the axis."""
    named, known = [], with_results(result)
    for rest in found.rests:
        cells = [one for one in known if rest_of(one.cell.axes, found.axis) == rest]
        if cells:
            name = setting_name(cells[0], found.axis)
            named.append((name[0].upper() + name[1:], rest, cells))
    return named


def _kept(result: Digest, found: Frontier) -> list[str]:
    """How the source compares with its baseline at every ε, and what is left of it at equal confidence."""
    said = []
    for name, rest, _ in settings_of(result, found):
        every = found.at("advantage", rest, BRIER)
        finite = [one for one in every if math.isfinite(one.epsilon)]
        if not finite:
            continue
        clear = next((one for one in every if math.isinf(one.epsilon)), None)
        beside = f"; at ε = ∞ {figure(clear)}" if clear else ""
        one = _nearest(finite, _usual(found))
        equal = _matching(found, one, BRIER._replace(view="equal_confidence"))
        left = f"; {figure(equal)} at equal confidence" if equal else ""
        said.append(
            f"{name}: {_by_verdict(finite)} (at ε = {one.epsilon:g} Brier score {plain(one.level)} against "
            f"{plain(one.usual)}, {figure(one)}{left}{beside})."
        )
    return said


def _noise(result: Digest, found: Frontier) -> list[str]:
    """How much of an advantage is softness, and whether private models are better than those in the clear."""
    source, said, none = result.opened.plan.study.pair[0], [], []
    for name, rest, _ in settings_of(result, found):
        gains = [one for one in found.at("advantage", rest, BRIER) if one.verdict == "better"]
        finite = [one for one in gains if math.isfinite(one.epsilon)]
        one = _nearest(finite, _usual(found)) if finite else None
        if one and (alone := _matching(found, one, BRIER, "twins")):
            most = alone.high < 0 and alone.estimate < one.estimate / 2
            word = "most of it" if most else "little of it" if alone.estimate < 0 else "none of it"
            said.append(
                f"{name}: of the {figure(one)} at ε = {one.epsilon:g} softness alone, in the clear and as "
                f"strong as the noise, makes {figure(alone)}: {word}."
            )
    for name, rest, _ in settings_of(result, found):
        tolls = [*found.at("toll", rest, BRIER), *found.at("toll", rest, GAP)]
        gains = [one for one in tolls if one.verdict == "better"]
        said += [f"{name}: at ε = {one.epsilon:g} {_gain(found, one)}." for one in gains]
        if tolls and not gains:
            none.append((name, _nearest(tolls, _usual(found))))
    if none:
        costs = "; ".join(f"{_uncapital(name)}: {figure(one)}" for name, one in none)
        said.append(
            f"Against itself in the clear private {source} gains nothing, in Brier score or calibration, at "
            f"any ε; at ε = {none[0][1].epsilon:g} it loses, {costs}."
        )
    return said


def _gain(found: Frontier, one: Point) -> str:
    """A gain over the same in the clear, and what mere smoothing makes of it."""
    what = "Brier score" if one.measure.metric == "brier" else "the size of the signed gap"
    text = f"{what} changes by {figure(one)} against labels in the clear"
    score = _matching(found, one, BRIER)
    if score and score.measure != one.measure:
        text += f" (the Brier score by {figure(score)})"
    rival = _matching(found, one, one.measure, "noise")
    if rival is None:
        return text
    if rival.verdict == "better":
        return f"{text}, and is {figure(rival)} against smoothing as strong as the noise: more than softness"
    return (
        f"{text}; smoothing as strong as the noise does as much or more (private less smoothed "
        f"{figure(rival)})"
    )


def _bought(result: Digest, found: Frontier) -> list[str]:
    """What to buy at the usual ε to forecast the label, and what every arm scores."""
    said = []
    for name, _, cells in settings_of(result, found):
        shown = min(cells, key=lambda one: abs(math.log(one.cell.axes[found.axis] / _usual(found))))
        for plan in shown.cell.purchases:
            if plan.goal == "label":
                others = (f"{offer.source} {plain(offer.level)}" for offer in plan.offers)
                sentence = purchase_sentence(shown, plan).removeprefix("To forecast the label: ")
                said.append(f"{name}: {sentence} In order: {', '.join(others)}.")
    return said


def _by_verdict(points: Sequence[Point]) -> str:
    """At which ε which verdict holds."""
    words = {
        "better": "yes",
        "worse": "no, it is worse,",
        "as good": "they are as good",
        "undecided at this size": "undecided",
        "no verdict": "one of them is not shown to have learned",
        "nothing was compared": "they are the same",
    }
    groups: dict[str, list[float]] = {}
    for one in points:
        groups.setdefault(one.verdict, []).append(one.epsilon)
    return "; ".join(f"{words[verdict]} at ε = {_listed(some)}" for verdict, some in groups.items())


def _listed(values: Sequence[float]) -> str:
    """Numbers as in a sentence."""
    texts = [f"{value:g}" for value in values]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _uncapital(text: str) -> str:
    return text[0].lower() + text[1:]


def _usual(found: Frontier) -> float:
    """The finite ε nearest to 1."""
    return min((e for e in found.values if math.isfinite(e)), key=lambda e: abs(math.log(e)))


def _nearest(points: Sequence[Point], epsilon: float) -> Point:
    return min(points, key=lambda one: abs(math.log(one.epsilon / epsilon)))


def _matching(
    found: Frontier, one: Point, measure: Measure, contrast: Contrast | None = None
) -> Point | None:
    """The same at the same ε and setting, by another measure, or of another contrast."""
    others = found.at(contrast or one.contrast, one.rest, measure)
    return next((other for other in others if other.epsilon == one.epsilon), None)
