"""The answer of a study in plain words, each sentence with its figure and interval."""

import math
from dataclasses import dataclass, field

from fedsoft.analysis.estimates import Estimate
from fedsoft.analysis.learning import Learned
from fedsoft.config import MARGINS
from fedsoft.report.numbers import figure, plain
from fedsoft.report.purchase_words import UNITS, price, purchases_in_words
from fedsoft.report.shown import Shown
from fedsoft.report.strategy_words import strategy_lead
from fedsoft.report.unsaid import unsaid

GOALS = (("vote", "nll", "a person's answer"), ("label", "brier", "the label"))
"""What forecasts are for: by which reference and metric, and in words."""


@dataclass(frozen=True)
class Answer:
    """One question, and what a study says to it.

    Attributes:
        question: the question.
        sentences: the answer, its figures in it.
    """

    question: str
    sentences: list[str]

    @property
    def text(self) -> str:
        """The answer as a paragraph."""
        return " ".join(self.sentences)


@dataclass
class Names:
    """Names of arms, each with what it is where it appears first."""

    shown: Shown
    known: set[str] = field(default_factory=set)

    def __call__(self, source: str) -> str:
        """The name, glossed the first time."""
        if source in self.known:
            return source
        self.known.add(source)
        return f"{source} ({self.shown.gloss(source)})"


def answers(shown: Shown) -> list[Answer]:
    """What one cell of a study says: is the model good, what soft labels buy, what is free, what to buy."""
    if not shown.strategies:
        return []
    (source, baseline), names = shown.study.pair, Names(shown)
    found = [Answer("Is the model any good?", _good(shown, names))]
    known = [_learned(shown, arm, "label", "brier") for arm in (source, baseline)]
    if all(row and row.beats_constant for row in known):
        found += [
            Answer(f"What does {source} buy?", _bought(shown, names)),
            Answer("What takes few votes, or none?", _free(shown, names)),
            Answer("What to buy?", purchases_in_words(shown)),
        ]
    if (contest := shown.digest.strategies) and len(shown.digest.cells) == 1:
        found.append(Answer("Does the strategy matter?", [strategy_lead(shown.digest, contest)]))
    found.append(Answer("What cannot be said?", unsaid(shown)))
    return [answer for answer in found if answer.sentences]


def answer_note(shown: Shown) -> str:
    """How to read the figures of an answer."""
    text = (
        "In brackets: 95 % intervals, those of arms picked among others adjusted for their number. Brier "
        "score: squared distance of a forecast from what came true, 0 to 2; NLL: surprise at what came "
        "true, in nats; lower is better."
    )
    if shown.study.endpoint is not None:
        text += " All but the endpoint is exploratory."
    return text


def _good(shown: Shown, names: Names) -> list[str]:
    baseline, noun = shown.study.pair[1], shown.noun
    right = shown.estimate(baseline, "raw", "label", "accuracy", "all")
    brier = _learned(shown, baseline, "label", "brier")
    if right is None or brier is None:
        return []
    usual = shown.cell.constants.get(("label", "accuracy"), math.nan)
    lead = names(baseline)
    if shown.arms[baseline].source:
        lead = f"Trained on {lead}, it"
    said = [
        f"{lead} names the label of {_percent(right)} of the test {noun}; always "
        f"naming the most frequent one would get {100 * usual:.0f} %. Its Brier score against the label is "
        f"{plain(brier.constant + brier.estimate)}, where a constant forecast, the same for all {noun}, "
        f"has {plain(brier.constant)}: {_lesson(brier)}."
    ]
    for reference in ("label", "vote"):
        if gap := shown.estimate(baseline, "raw", reference, "signed_gap", "all"):
            said.append(f"Judged by {shown.against(reference)}, {_sureness(gap)}.")
    if (votes := _learned(shown, baseline, "vote", "nll")) and not votes.beats_constant:
        said.append(
            f"As a forecast of a person's answer it is not shown to be better than a constant (NLL "
            f"{plain(votes.constant + votes.estimate)} against {plain(votes.constant)})."
        )
    curve = shown.cell.curves.get((shown.primary, baseline), {}).get("nll")
    if curve is not None and (mean := curve.mean(axis=0))[-1] > mean.min() + TOO_LONG:
        said.append(
            f"It was trained past its best: validation NLL was least after round {int(mean.argmin())} of "
            f"{len(mean) - 1}, so part of what follows may be had by stopping."
        )
    return said


def _lesson(brier: Learned) -> str:
    if brier.beats_constant:
        return "it has learned"
    if brier.may_have_learned:
        return "it is not shown to have learned, since that may be chance, so no more can be said of it"
    return "it has not learned, so no more can be said of it"


TOO_LONG = 0.05
"""Nats of validation NLL above the least, from which on a model is said to be trained past its best."""


def _sureness(gap: Estimate) -> str:
    if not _sure(gap):
        return f"its mean confidence cannot be told from its accuracy ({_points_between(gap)})"
    way = "overconfident" if gap.estimate > 0 else "underconfident"
    return f"it is {way} by {_points(abs(gap.estimate))} ({_points_between(gap)})"


def _bought(shown: Shown, names: Names) -> list[str]:
    source, baseline = shown.study.pair
    said = []
    conclusion = shown.conclusion
    if conclusion and conclusion.verdict == "nothing was compared":
        return ["Nothing: it trains on the same targets."]
    for reference, metric, goal in GOALS:
        raw = shown.difference(source, baseline, "raw", reference, metric)
        # What is left of an NLL depends much on the level of confidence: it is shown where that is right.
        level = "calibrated_confidence" if metric == "nll" else "equal_confidence"
        calibrated = shown.difference(source, baseline, level, reference, metric)
        equal = calibrated or shown.difference(source, baseline, "equal_confidence", reference, metric)
        if raw is None or equal is None:
            continue
        unit, matters = UNITS[metric], f"under {MARGINS[metric]:g} would not matter"
        at = "when both are made equally confident"
        if equal.view == "calibrated_confidence":
            at += f", as {baseline} is once calibrated"
        training = "training on " if shown.arms[source].source and shown.arms[baseline].source else ""
        lead = f"To forecast {goal}, {training}{names(source)} instead of {baseline}"
        blind, tempered = shown.cell.has_learned(raw) is False, shown.cell.has_learned(equal) is False
        if blind and tempered:
            said.append(f"{lead} cannot be judged: one of the two is not shown to beat a constant forecast.")
            continue
        if blind:
            said.append(
                f"{lead} cannot be judged as predicted, where one of the two is not shown to beat a "
                f"constant forecast; {at}, it {_does(equal)}: {unit} {figure(equal)} ({matters})."
            )
            continue
        text = f"{lead} {_does(raw)}: {unit} {figure(raw)} ({matters})"
        if _sure(raw) and _sure(equal) and raw.estimate * equal.estimate > 0:
            if abs(equal.estimate) > abs(raw.estimate):
                text += (
                    f", and {figure(equal)} {at}: as predicted, how sure each of them is hides some of it."
                )
            else:
                text += f", of which {figure(equal)} is left {at}, more than toning confidence up or down "
                text += "can give."
        elif _sure(equal):
            text += f"; {at} it {_does(equal)}, {figure(equal)}."
        elif _sure(raw) and max(abs(equal.low), abs(equal.high)) < MARGINS[metric]:
            text += f"; {at} nothing that matters is left, {figure(equal)}: a shift of confidence, as one "
            text += "temperature gives."
        elif _sure(raw):
            text += f"; whether any of it is left {at} cannot be told, {figure(equal)}."
        else:
            text += f", {figure(equal)} {at}."
        said.append(text)
    return said


def _free(shown: Shown, names: Names) -> list[str]:
    source, baseline = shown.study.pair
    arms = [
        arm
        for arm in shown.study.arms
        if arm.label() not in (source, baseline)
        and shown.is_free(arm)
        and not shown.same_targets(arm.label(), baseline)
    ]
    said = []
    for reference, metric, goal in GOALS:
        found = [
            (arm.label(), row)
            for arm in arms
            if (row := shown.pair(arm.label(), baseline, "raw", reference, metric))
        ]
        if not found:
            continue
        best, row = min(found, key=lambda one: one[1].estimate)
        several = f"of {len(found)} ways without votes on training {shown.noun}, " if len(found) > 1 else ""
        lead = f"To forecast {goal}, {several}{names(best)}, {price(shown, best)},"
        gain = f"{UNITS[metric]} {figure(row)} beside {baseline}"
        if row.verdict != "better":
            word = {"worse": "is worse", "as good": "is as good and no better"}.get(
                row.verdict, "is not shown to help"
            )
            said.append(f"{lead} {'comes out best and ' if several else ''}{word}: {gain}.")
            continue
        text = f"{lead} {'wins most' if several else 'wins'}: {gain}"
        paid = shown.pair(source, best, "raw", reference, metric)
        if paid is not None:
            text += {
                "better": f"; {source} is better still, by {figure(paid)}",
                "worse": f"; {source} is worse than that, by {figure(paid)}",
                "as good": f"; {source} is as good as that and no better, {figure(paid)}",
            }.get(
                paid.verdict, f"; whether {source} is better or worse than that is undecided, {figure(paid)}"
            )
        said.append(f"{text}.")
    return said


def _does(row: Estimate) -> str:
    if not _sure(row):
        return "makes no difference that can be told from chance"
    return "helps" if row.estimate < 0 else "hurts"


def _sure(row: Estimate) -> bool:
    return row.low > 0 or row.high < 0


def _percent(row: Estimate) -> str:
    if math.isnan(row.low):
        return f"{100 * row.estimate:.0f} %"
    low, high = max(row.low, 0.0), min(row.high, 1.0)  # intervals may leave what a share can be
    return f"{100 * row.estimate:.0f} % [{100 * low:.0f} to {100 * high:.0f}]"


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _points_between(row: Estimate) -> str:
    low, high = max(row.low, -1.0), min(row.high, 1.0)  # intervals may leave what a gap can be
    return f"{plain(100 * low, 1)} to {plain(100 * high, 1)} points"


def _learned(shown: Shown, source: str, reference: str, metric: str) -> Learned | None:
    wanted = shown.primary, source, "raw", reference, metric
    return next(
        (
            row
            for row in shown.cell.learned
            if (row.strategy, row.source, row.view, row.reference, row.metric) == wanted
        ),
        None,
    )
