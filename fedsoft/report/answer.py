"""The answer of a study in plain words, each sentence with its figure and interval."""

import math
from dataclasses import dataclass, field

from fedsoft.analysis.estimates import Estimate
from fedsoft.analysis.learning import Learned
from fedsoft.analysis.pairs import Pair, Purchase
from fedsoft.config import MARGINS, Study
from fedsoft.plural import plural
from fedsoft.report.agreement_tables import ceiling_lines
from fedsoft.report.numbers import interval, places_for, plain, signed, within_reach
from fedsoft.report.shown import Shown
from fedsoft.report.strategy_words import strategy_lead
from fedsoft.report.units_words import counts_sets, replicate_count, replicates
from fedsoft.study.data import load_dataset
from fedsoft.supervision.teacher import Teacher

SEEDS_WANTED = 10
"""Seeds, or sets of people, that intervals which speak of other runs should rest on."""


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
            Answer("What to buy?", _purchases(shown)),
        ]
    if (contest := shown.digest.strategies) and len(shown.digest.cells) == 1:
        found.append(Answer("Does the strategy matter?", [strategy_lead(shown.digest, contest)]))
    found.append(Answer("What cannot be said?", _unsaid(shown)))
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
                f"constant forecast; {at}, it {_does(equal)}: {unit} {_figure(equal)} ({matters})."
            )
            continue
        text = f"{lead} {_does(raw)}: {unit} {_figure(raw)} ({matters})"
        if _sure(raw) and _sure(equal) and raw.estimate * equal.estimate > 0:
            if abs(equal.estimate) > abs(raw.estimate):
                text += (
                    f", and {_figure(equal)} {at}: as predicted, how sure each of them is hides some of it."
                )
            else:
                text += f", of which {_figure(equal)} is left {at}, more than toning confidence up or down "
                text += "can give."
        elif _sure(equal):
            text += f"; {at} it {_does(equal)}, {_figure(equal)}."
        elif _sure(raw) and max(abs(equal.low), abs(equal.high)) < MARGINS[metric]:
            text += f"; {at} nothing that matters is left, {_figure(equal)}: a shift of confidence, as one "
            text += "temperature gives."
        elif _sure(raw):
            text += f"; whether any of it is left {at} cannot be told, {_figure(equal)}."
        else:
            text += f", {_figure(equal)} {at}."
        said.append(text)
    return said


UNITS = {"nll": "NLL", "brier": "Brier score"}


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
        lead = f"To forecast {goal}, {several}{names(best)}, {_price(shown, best)},"
        figure = f"{UNITS[metric]} {_figure(row)} beside {baseline}"
        if row.verdict != "better":
            word = {"worse": "is worse", "as good": "is as good and no better"}.get(
                row.verdict, "is not shown to help"
            )
            said.append(f"{lead} {'comes out best and ' if several else ''}{word}: {figure}.")
            continue
        text = f"{lead} {'wins most' if several else 'wins'}: {figure}"
        paid = shown.pair(source, best, "raw", reference, metric)
        if paid is not None:
            text += {
                "better": f"; {source} is better still, by {_figure(paid)}",
                "worse": f"; {source} is worse than that, by {_figure(paid)}",
                "as good": f"; {source} is as good as that and no better, {_figure(paid)}",
            }.get(
                paid.verdict, f"; whether {source} is better or worse than that is undecided, {_figure(paid)}"
            )
        said.append(f"{text}.")
    return said


def _purchases(shown: Shown) -> list[str]:
    said = [_purchase(shown, one) for one in shown.cell.purchases]
    if said and not all(rest.at_rest for rest in shown.cell.rests.values()):
        said.append("Training had not come to rest, so longer training may change this.")
    if said and shown.labels_are_majority:
        said.append(
            "The labels are taken as given here, but they are the majority of "
            f"{plain(shown.votes_each, 1)} votes each, which “no votes” does not count."
        )
    return said


def _purchase(shown: Shown, plan: Purchase) -> str:
    goal = {"label": "To forecast the label", "people": "To forecast people's answers"}[plan.goal]
    unit = UNITS[plan.metric]
    if not plan.learned:
        return f"{goal}: nothing; no arm is shown to beat a constant forecast."
    best, cheapest = plan.best, plan.cheapest
    if (simple := plan.simplest) is not None:
        price, other = _price(shown, simple.source), _price(shown, best.source)
        return (
            f"{goal}: {simple.source}, {price}; nothing is shown to beat it. {best.source}, "
            f"{'at the same price' if other == price else other}, has the least {unit}, {plain(best.level)} "
            f"against {plain(simple.level)}, but that may be chance, and it is less simple."
        )
    if best.source != cheapest.source:
        return (
            f"{goal}: {cheapest.source}, {_price(shown, cheapest.source)}. It is as good as the best, "
            f"{best.source}, {_price(shown, best.source)}: {unit} {plain(cheapest.level)} against "
            f"{plain(best.level)}, at most {plain(max(cheapest.high, 0.0))} above it, where "
            f"{plan.margin:g} would not matter."
        )
    text = f"{goal}: {best.source}, {_price(shown, best.source)}, has the least {unit}, {plain(best.level)}"
    open_ = [
        offer
        for offer in plan.offers
        if offer is not best
        and offer.price.votes < best.price.votes
        and 2 * offer.excess - offer.high < plan.margin  # the interval's lower end
    ]
    if not best.price.votes:
        return f"{text}, and nothing costs less."
    if not open_:
        return f"{text}, and all that is cheaper is worse."
    rival = min(open_, key=lambda offer: offer.level)
    return (
        f"{text}; but whether {rival.source}, {_price(shown, rival.source)}, is as good is undecided "
        f"({signed(rival.excess)}, at most {signed(rival.high)}): more {replicates(shown.study)} or "
        f"{shown.noun} would tell, before you pay."
    )


def _price(shown: Shown, source: str) -> str:
    target = shown.cell.targets.get(source)
    if target is None:
        return "at a price unknown"
    if target.votes_bought:
        return f"for {plural(round(target.votes_bought), 'vote')}"
    return "for a rate borrowed from people" if shown.borrows(source) else "for no votes"


def _unsaid(shown: Shown) -> list[str]:
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


def _does(row: Estimate) -> str:
    if not _sure(row):
        return "makes no difference that can be told from chance"
    return "helps" if row.estimate < 0 else "hurts"


def _sure(row: Estimate) -> bool:
    return row.low > 0 or row.high < 0


def _figure(row: Estimate | Pair) -> str:
    places = places_for((row.high - row.low) / 2)
    return f"{signed(row.estimate, places)} [{interval(row.low, row.high, places)}]"


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
