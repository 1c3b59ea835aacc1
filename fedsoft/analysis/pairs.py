"""Any two arms compared, adjusted for their number, and the cheapest arm that is as good as the best."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fedsoft.analysis.learning import Learned
from fedsoft.analysis.values import Values
from fedsoft.config import MARGINS
from fedsoft.evaluation import Crossing, Verdict, decide
from fedsoft.holm import holm

Goal = Literal["label", "people"]
GOALS: dict[Goal, tuple[str, str]] = {"label": ("label", "brier"), "people": ("vote", "nll")}
"""What an arm may be bought for, by reference and metric: to forecast the label well, or people's votes."""
PAIRED = (("label", "brier"), ("label", "nll"), ("vote", "brier"), ("vote", "nll"))
VIEWS_OF_PAIRS = ("raw", "equal_confidence", "calibrated_confidence", "own_temperature")


@dataclass(frozen=True)
class Pair:
    """One arm less another, on all examples, with its interval and verdict Holm-adjusted over all pairs."""

    strategy: str
    source: str
    other: str
    view: str
    reference: str
    metric: str
    estimate: float
    low: float
    high: float
    verdict: Verdict

    def turned(self) -> "Pair":
        """The other arm less the one."""
        word: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
        return replace(
            self,
            source=self.other,
            other=self.source,
            estimate=-self.estimate,
            low=-self.high,
            high=-self.low,
            verdict=word.get(self.verdict, self.verdict),
        )


def pairs_of(values: Values, strategy: str) -> list[Pair]:
    """Every two arms, by Brier and NLL, against the label and a vote, as predicted and tempered."""
    J = len(values.sources)
    if J < 2:
        return []
    some = list(itertools.combinations(range(J), 2))
    combine = np.zeros((len(some), J))
    for row, (a, b) in zip(combine, some, strict=True):
        row[b], row[a] = 1, -1
    crossing = Crossing(values.unit, values.seed)
    found = []
    for reference, metric in PAIRED:
        for view in VIEWS_OF_PAIRS:
            if (columns := values.values.get((view, reference, metric))) is None:
                continue
            effects = crossing.effects(columns.T, None, combine).flat()
            for (a, b), estimate, decided in zip(
                some, effects.estimate.tolist(), decide(effects, MARGINS[metric], "lower"), strict=True
            ):
                pair = values.sources[b], values.sources[a]
                found.append(
                    Pair(
                        strategy, *pair, view, reference, metric, estimate, decided.low, decided.high,
                        decided.verdict,
                    )
                )  # fmt: skip
    return found


@dataclass(frozen=True)
class Price:
    """What a run of an arm costs: answers bought over all clients, and compute seconds."""

    votes: float
    seconds: float


@dataclass(frozen=True)
class Offer:
    """One arm, beside the best for a goal.

    Attributes:
        source: its label.
        level: its loss.
        excess: its loss less that of the best.
        high: upper end of the excess' interval, Holm-adjusted over the arms.
        price: what it costs.
        as_good: whether the excess is below the margin beyond doubt.
    """

    source: str
    level: float
    excess: float
    high: float
    price: Price
    as_good: bool


@dataclass(frozen=True)
class Purchase:
    """What to buy for one goal.

    Attributes:
        goal: the goal.
        reference: by which it is measured.
        metric: by which it is measured.
        margin: the loss that does not matter.
        best: the arm of least loss.
        cheapest: the cheapest of the arms that are as good as it.
        offers: every arm, the best first.
        learned: whether the best arm beats a constant forecast; if not there is nothing to buy.
    """

    goal: Goal
    reference: str
    metric: str
    margin: float
    best: Offer
    cheapest: Offer
    offers: list[Offer]
    learned: bool


def purchases(
    values: Values, strategy: str, prices: Mapping[str, Price], learned: Sequence[Learned]
) -> list[Purchase]:
    """The cheapest arm that is as good as the best, for each goal that the data allow; as predicted.

    An arm is as good as the best one if its loss exceeds it by less than the margin, beyond doubt:
    one-sided tests at 2.5 %, Holm-adjusted over the other arms. That the best one is chosen by the same
    data makes them stricter. With one seed nothing is known of other runs, so nothing is as good as the
    best but itself.

    Args:
        values: of the runs of one strategy.
        strategy: its label.
        prices: of each arm.
        learned: of the strategy's arms.
    """
    found: list[Purchase] = []
    crossing = Crossing(values.unit, values.seed)
    for goal, (reference, metric) in GOALS.items():
        columns = values.values.get(("raw", reference, metric))
        if columns is None or not prices.keys() >= set(values.sources):
            continue
        levels, margin = columns.mean(axis=1), MARGINS[metric]
        best = int(levels.argmin())
        effects = crossing.effects((columns - columns[best]).T).flat()
        others = np.arange(len(levels)) != best
        p = np.where(others, 2 * effects.one_sided(margin)[0], np.nan)
        adjusted = holm(p)
        reach = np.divide(adjusted, p, out=np.ones_like(p), where=p > 0)
        high = effects.interval(0.05 / np.where(np.isfinite(reach), reach, 1.0))[1]
        offers = [
            Offer(
                source,
                float(levels[j]),
                float(effects.estimate[j]),
                float(high[j]),
                prices[source],
                bool(j == best or (effects.seeds > 1 and adjusted[j] < 0.05)),
            )
            for j, source in enumerate(values.sources)
        ]
        beats = {
            row.source: row.beats_constant
            for row in learned
            if (row.strategy, row.view, row.reference, row.metric) == (strategy, "raw", reference, metric)
        }
        cheapest = min(
            (offer for offer in offers if offer.as_good),
            key=lambda offer: (offer.price.votes, offer.price.seconds),
        )
        offers.sort(key=lambda offer: offer.level)
        found.append(
            Purchase(goal, reference, metric, margin, offers[0], cheapest, offers, beats[offers[0].source])
        )
    return found
