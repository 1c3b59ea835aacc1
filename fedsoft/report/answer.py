"""The answer of a study in plain words, each sentence with its figure and interval."""

import math
from dataclasses import dataclass, field

from fedsoft.analysis.estimates import Estimate
from fedsoft.analysis.learning import Learned
from fedsoft.analysis.pairs import Purchase
from fedsoft.report.numbers import amount, interval, places_for, plain, signed
from fedsoft.report.shown import Shown
from fedsoft.study.data import load_dataset

SEEDS_WANTED = 10
"""Seeds that intervals which speak of other runs should rest on."""


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
    if all(
        (row := _learned(shown, arm, "label", "brier")) and row.beats_constant for arm in (source, baseline)
    ):
        found += [
            Answer(f"What does {source} buy?", _bought(shown, names)),
            Answer("What can be had for nothing?", _free(shown, names)),
            Answer("What to buy?", _purchases(shown)),
        ]
    found.append(Answer("What cannot be said?", _unsaid(shown)))
    return [answer for answer in found if answer.sentences]


def _good(shown: Shown, names: Names) -> list[str]:
    baseline, noun = shown.study.pair[1], shown.noun
    right = shown.estimate(baseline, "raw", "label", "accuracy", "all")
    gap = shown.estimate(baseline, "raw", "label", "signed_gap", "all")
    brier = _learned(shown, baseline, "label", "brier")
    if right is None or gap is None or brier is None:
        return []
    said = [
        f"Trained on {names(baseline)}, it is right on {_percent(right)} of the test {noun}.",
        f"Its Brier score against the label is {plain(brier.constant + brier.estimate)}, where a constant "
        f"forecast, the same for all {noun}, has {plain(brier.constant)} (0 is best): "
        + (
            "it has learned." if brier.beats_constant else "it has not learned, and nothing below means much."
        ),
    ]
    if (votes := _learned(shown, baseline, "vote", "nll")) and not votes.beats_constant:
        said.append(
            f"As a forecast of a person's answer it is not shown to be better than a constant (NLL "
            f"{plain(votes.constant + votes.estimate)} against {plain(votes.constant)})."
        )
    sure = "more" if gap.estimate > 0 else "less"
    if gap.low > 0 or gap.high < 0:
        said.append(
            f"It is {sure} sure than it is right: its mean confidence is {_points(abs(gap.estimate))} "
            f"{'above' if gap.estimate > 0 else 'below'} its accuracy ({_points_between(gap)})."
        )
    else:
        said.append(f"It is about as sure as it is right (gap {_points_between(gap)}).")
    return said


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
        unit = "NLL" if metric == "nll" else "Brier score"
        at = "when both are equally confident"
        if equal.view == "calibrated_confidence":
            at += f", as {baseline} is once calibrated"
        lead = f"To forecast {goal}, training on {names(source)} instead of {baseline}"
        if shown.cell.has_learned(raw) is False and not shown.cell.has_learned(equal):
            said.append(
                f"{lead} cannot be judged: one of the two is not shown to be better than a constant forecast."
            )
            continue
        text = f"{lead} {_does(raw)}: {unit} {_figure(raw)} as predicted"
        if _sure(raw) and _sure(equal) and raw.estimate * equal.estimate > 0:
            text += f", of which {_figure(equal)} is left {at}; that part no temperature gives."
        elif _sure(equal):
            text += f"; {at} it {_does(equal)}, {_figure(equal)}."
        elif _sure(raw):
            text += (
                f"; {at} nothing certain is left, {_figure(equal)}, so it is a shift of confidence, which "
            )
            text += "one temperature gives as well."
        else:
            text += f", {_figure(equal)} {at}."
        said.append(text)
    return said


def _free(shown: Shown, names: Names) -> list[str]:
    source, baseline = shown.study.pair
    arms = [arm for arm in shown.study.arms if arm.label() not in (source, baseline) and shown.is_free(arm)]
    said = []
    for reference, metric, goal in GOALS:
        found = [
            (arm.label(), row)
            for arm in arms
            if (row := shown.difference(arm.label(), baseline, "raw", reference, metric))
        ]
        if not found:
            continue
        best, row = min(found, key=lambda one: one[1].estimate)
        ways = (
            f"of {len(found)} ways that need no votes on the examples trained on, " if len(found) > 1 else ""
        )
        if not (_sure(row) and row.estimate < 0):
            first = f"{ways}the best, " if ways else "the way that needs no votes, "
            said.append(f"To forecast {goal}, {first}{names(best)}, {_does(row)} ({_figure(row)}).")
            continue
        text = f"To forecast {goal}, {ways}{names(best)} {'wins most' if ways else 'wins'}, {_figure(row)}"
        paid = shown.pair(source, best, "raw", reference, metric)
        if paid is not None:
            figures = f"{_signed(paid.estimate, paid)} [{_between(paid)}]"
            text += {
                "better": f"; {source} is better still, by {figures}",
                "worse": f"; {source} is worse than that, by {figures}",
                "as good": f"; {source} is as good as that and no better ({figures})",
            }.get(paid.verdict, f"; whether {source} is better or worse than that is undecided ({figures})")
        said.append(f"{text}.")
    return said


def _purchases(shown: Shown) -> list[str]:
    said = [_purchase(shown, one) for one in shown.cell.purchases]
    if said and not all(rest.at_rest for rest in shown.cell.rests.values()):
        said.append("Training had not come to rest, so longer training may change this.")
    return said


def _purchase(shown: Shown, plan: Purchase) -> str:
    goal = {"label": "To forecast the label", "people": "To forecast people's answers"}[plan.goal]
    unit = {"brier": "Brier score", "nll": "NLL"}[plan.metric]
    if not plan.learned:
        return f"{goal}: nothing; no arm is better than a constant forecast."
    best, cheapest = plan.best, plan.cheapest
    if best.source == cheapest.source:
        undecided = [offer for offer in plan.offers if offer.price.votes < best.price.votes]
        rest = (
            "; nothing cheaper is shown to be as good at this size"
            if undecided
            else ", and nothing is cheaper"
            if best.price.votes
            else ""
        )
        figure = f"{unit} {plain(best.level)}"
        return f"{goal}: {best.source} ({_price(shown, best.source)}), the best ({figure}){rest}."
    return (
        f"{goal}: {cheapest.source} ({_price(shown, cheapest.source)}). It is as good as the best, "
        f"{best.source} ({_price(shown, best.source)}): {unit} {plain(cheapest.level)} against "
        f"{plain(best.level)}, at most {plain(max(cheapest.high, 0.0))} worse, where {plan.margin:g} would "
        "not matter."
    )


def _price(shown: Shown, source: str) -> str:
    target = shown.cell.targets.get(source)
    if target is None:
        return "price unknown"
    if target.votes_bought:
        return f"{amount(target.votes_bought)} vote{'s' if target.votes_bought != 1 else ''}"
    return "a rate borrowed from people" if shown.borrows(source) else "no votes"


def _unsaid(shown: Shown) -> list[str]:
    study = shown.study
    data, said = load_dataset(study.dataset), []
    conclusion = shown.conclusion
    if conclusion and conclusion.obstacle:
        said.append(f"There is no verdict: {conclusion.obstacle.why}. {_sentence(conclusion.obstacle.mend)}")
    elif conclusion and conclusion.verdict.startswith("undecided") and conclusion.seeds > 1:
        wanted = max(abs(conclusion.estimate), study.endpoint.margin_used if study.endpoint else 0)
        times = (conclusion.smallest / wanted) ** 2 if wanted else math.inf
        said.append(
            f"Whether the endpoint's difference of {signed(conclusion.estimate)} is more than chance: this "
            f"study would have seen {plain(conclusion.smallest)}; one of that size takes "
            f"{_times(times)} as much data or as many seeds."
        )
    seeds = len(study.seeds)
    if seeds == 1:
        said.append(f"With one seed, nothing can be said of other runs; {SEEDS_WANTED} would do.")
    elif seeds < SEEDS_WANTED // 2:
        said.append(f"{seeds} seeds make wide intervals; {SEEDS_WANTED} would do better.")
    if shown.labels_are_majority:
        said.append(
            "The labels are the most frequent votes themselves, so nothing can be said of whether votes "
            "correct wrong labels; it would take a truth of another origin (a biopsy, an expert panel, "
            f"gold {shown.noun})."
        )
    if data.votes is None:
        said.append(
            "Without votes, nothing can be said of agreement with people; it takes two or more an example."
        )
    if conclusion:
        for reference, (estimate, low, high) in conclusion.disagree.items():
            said.append(
                f"Against {shown.against(reference)} the endpoint's difference has the other sign "
                f"({signed(estimate)}, {interval(low, high)}): which of the two matters is not for data to "
                "say."
            )
    return said


def _does(row: Estimate) -> str:
    if not _sure(row):
        return "makes no difference that can be told from chance"
    return "helps" if row.estimate < 0 else "hurts"


def _sure(row: Estimate) -> bool:
    return row.low > 0 or row.high < 0


def _figure(row: Estimate) -> str:
    return f"{_signed(row.estimate, row)} [{_between(row)}]"


def _signed(value: float, row: object) -> str:
    return signed(value, places_for((row.high - row.low) / 2))  # type: ignore[attr-defined]


def _between(row: object) -> str:
    low, high = row.low, row.high  # type: ignore[attr-defined]
    return interval(low, high, places_for((high - low) / 2))


def _percent(row: Estimate) -> str:
    if math.isnan(row.low):
        return f"{100 * row.estimate:.0f} %"
    return f"{100 * row.estimate:.0f} % [{100 * row.low:.0f} to {100 * row.high:.0f}]"


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _points_between(row: Estimate) -> str:
    return f"{plain(100 * row.low, 1)} to {plain(100 * row.high, 1)} points"


def _times(value: float) -> str:
    return "over a hundred times" if not value < 100 else f"about {max(value, 2):.0f} times"


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


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
