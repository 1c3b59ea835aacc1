"""Any two arms compared, adjusted for their number, and the cheapest arm that is as good as the best."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fedsoft.analysis.learning import Learned
from fedsoft.analysis.values import Values
from fedsoft.config import MARGINS, Arm
from fedsoft.evaluation import Verdict, decide
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
    crossing = values.crossing()
    found = []
    for reference, metric in PAIRED:
        for view in VIEWS_OF_PAIRS:
            key = view, reference, metric
            if (columns := values.values.get(key)) is None:
                continue
            effects = crossing.effects(columns.T, None, combine, values.judged(key)).flat()
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
    """What a run of an arm costs.

    Attributes:
        votes: answers bought over all clients.
        seconds: compute seconds.
        effort: what it asks for beside (`effort`); the baseline asks for nothing.
    """

    votes: float
    seconds: float
    effort: int = 0


def effort(arm: Arm, baseline: str) -> int:
    """How much an arm asks for beside data, by which the simpler of two is told.

    Returns:
        twice the number of things done unlike plain training on a source's labels (each key of its training,
        averaging models, calibrating), and one more where it is not the baseline.
    """
    beside = len(arm.training.model_fields_set) + (arm.members > 1) + (arm.calibration is not None)
    return 2 * beside + (arm.label() != baseline)


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
        cheapest: the cheapest of the arms that are as good as it; of those of one price, the simplest.
        simplest: the simplest arm at the cheapest one's votes that no arm is shown to beat, where that is
            simpler than the cheapest and nothing but the best is as good as the best; else None.
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
    simplest: Offer | None = None

    @property
    def choice(self) -> Offer:
        """What to buy."""
        return self.simplest or self.cheapest


def purchases(
    values: Values,
    strategy: str,
    prices: Mapping[str, Price],
    learned: Sequence[Learned],
    pairs: Sequence[Pair],
) -> list[Purchase]:
    """The cheapest arm that is as good as the best, for each goal that the data allow; as predicted.

    What has no price is not for sale, as controls that see labels in the clear where a study protects them.

    An arm is as good as the best one if its loss exceeds it by less than the margin, beyond doubt:
    one-sided tests at 2.5 %, Holm-adjusted over the other arms. That the best one is chosen by the same
    data makes them stricter. With one seed nothing is known of other runs, so nothing is as good as the
    best but itself.

    Args:
        values: of the runs of one strategy.
        strategy: its label.
        prices: of each arm that can be had.
        learned: of the strategy's arms.
        pairs: of these.
    """
    found: list[Purchase] = []
    crossing = values.crossing()
    place = [j for j, source in enumerate(values.sources) if source in prices]
    for goal, (reference, metric) in GOALS.items():
        key = "raw", reference, metric
        if key not in values.values or not place:
            continue
        columns = values.values[key][place]
        levels, margin = columns.mean(axis=1), MARGINS[metric]
        best = int(levels.argmin())

        def excess(found: np.ndarray, best: int = best) -> np.ndarray:
            return found[place] - found[place][best]

        effects = crossing.effects(excess(values.values[key]).T, judged=values.judged(key, excess)).flat()
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
            for j, source in enumerate(values.sources[k] for k in place)
        ]
        beats = {
            row.source: row.beats_constant
            for row in learned
            if (row.strategy, row.view, row.reference, row.metric) == (strategy, "raw", reference, metric)
        }
        cheapest = min(
            (offer for offer in offers if offer.as_good),
            key=lambda offer: (offer.price.votes, offer.price.effort, offer.price.seconds),
        )
        offers.sort(key=lambda offer: offer.level)
        for_sale = [row for row in pairs if {row.source, row.other} <= prices.keys()]
        beaten = _beaten(for_sale, strategy, reference, metric)
        as_cheap = [
            offer
            for offer in offers
            if offer.price.votes == cheapest.price.votes
            and offer.price.effort < cheapest.price.effort
            and beats[offer.source]
            and offer.source not in beaten
        ]
        simplest = min(as_cheap, key=lambda offer: offer.price.effort, default=None)
        found.append(
            Purchase(
                goal, reference, metric, margin, offers[0], cheapest, offers, beats[offers[0].source],
                simplest if cheapest.source == offers[0].source else None,
            )
        )  # fmt: skip
    return found


def _beaten(pairs: Sequence[Pair], strategy: str, reference: str, metric: str) -> set[str]:
    """The arms that some other is shown to beat, as predicted."""
    beaten = set()
    for row in pairs:
        if (row.strategy, row.view, row.reference, row.metric) == (strategy, "raw", reference, metric):
            beaten |= {"worse": {row.source}, "better": {row.other}}.get(row.verdict, set())
    return beaten
