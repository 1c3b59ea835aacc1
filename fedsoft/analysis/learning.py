"""Whether models have learned at all, and whether training had come to rest: before that, no verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from fedsoft.analysis.effects import HALF
from fedsoft.analysis.finished import Finished
from fedsoft.analysis.values import Values

JUDGES = {"brier": "brier", "nll": "nll", "kl": "nll", "signed_gap": "brier", "accuracy": "brier"}
"""The proper score that says whether models learned, for each metric: a constant has no gap either."""
LAST = 5
"""One in so many rounds, the last ones, says whether training is at rest."""
STILL = 0.005
"""Brier score that the last rounds may still win: a margin below which arms count as equally good."""


@dataclass(frozen=True)
class Learned:
    """A source's loss less that of the constant forecast, on all test examples, with its 95 % interval.

    The constant forecasts for each example what the training examples are like on average: their class
    shares, or their mean vote.

    Attributes:
        constant: the constant forecast's own loss.
    """

    strategy: str
    source: str
    view: str
    reference: str
    metric: str
    constant: float
    estimate: float
    low: float
    high: float

    @property
    def beats_constant(self) -> bool:
        """Whether the models are better than a constant, beyond doubt."""
        return self.high < 0

    @property
    def may_have_learned(self) -> bool:
        """Whether the models are better than a constant, though that may be chance."""
        return self.estimate < 0


def learned(values: Values, strategy: str) -> list[Learned]:
    """Every source against the constant forecast, in each view, against each reference, by Brier and NLL."""
    crossing = values.crossing()
    rows = []
    for key, columns in values.values.items():
        view, reference, metric = key
        if metric not in set(JUDGES.values()) or reference == HALF:
            continue
        constant = values.constant[reference, metric]
        blind = values.answered_constant.get((reference, metric), 0.0)

        def excess(found: np.ndarray, blind: np.ndarray | float = blind) -> np.ndarray:
            return found - blind

        found = crossing.effects((columns - constant).T, judged=values.judged(key, excess))
        low, high = found.interval()
        rows += [
            Learned(strategy, source, view, reference, metric, float(constant.mean()), *row)
            for source, row in zip(
                values.sources, np.vstack([found.estimate, low, high]).T.tolist(), strict=True
            )
        ]
    return rows


def who_learned(values: Values) -> dict[tuple[str, str, str], list[str]]:
    """Those whose models beat the constant forecast, by view, reference and proper score."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for row in learned(values, ""):
        beat = found.setdefault((row.view, row.reference, row.metric), [])
        beat += [row.source] * row.beats_constant
    return found


@dataclass(frozen=True)
class Rest:
    """How much one source's training still won in its last rounds.

    Attributes:
        fall: by how much the validation Brier score fell over the last fifth of the rounds, mean over seeds.
        low: the lower end of its 95 % interval by Student's t over seeds; with one seed, by how
            rounds go up and down.
        rounds: how many rounds that fifth is.
    """

    source: str
    fall: float
    low: float
    rounds: int

    @property
    def at_rest(self) -> bool:
        """Whether training had nothing more to win that mattered, as far as can be told."""
        return self.fall <= STILL or self.low <= 0


def last_fall(brier: np.ndarray) -> tuple[float, int]:
    """By how much validation Brier scores (R + 1,) fell over the last fifth of R rounds, and how many it is.

    Below zero where they rose.
    """
    last = max(1, (len(brier) - 1) // LAST)
    half = -(-last // 2)  # means of a few rounds, since single ones go up and down
    return float(brier[-1 - last :][:half].mean() - brier[-half:].mean()), last


def rest_of(finished: Finished, strategy: str, source: str, seeds: Sequence[int]) -> Rest | None:
    """Whether the training behind a source was at rest; None where there are no validation examples."""
    runs = [
        run for run in finished.cell.runs if run.arm.label() == source and run.strategy.label() == strategy
    ]
    falls: list[float] = []
    last, swing = 1, 0.0
    for run in (run for run in runs if run.seed in seeds):
        for part in run.trained():
            figures = finished.store.rounds(part.key, part.rounds)
            if "brier" not in figures[0]:
                return None
            brier = np.array([one["brier"] for one in figures])
            fall, last = last_fall(brier)
            falls.append(fall)
            swing = float(np.std(np.diff(brier[-1 - 2 * last :])))
    if not falls:
        return None
    fall = float(np.mean(falls))
    spread = float(np.std(falls, ddof=1) / np.sqrt(len(falls))) if len(falls) > 1 else swing
    low = fall - spread * float(stdtrit(len(falls) - 1, 0.975) if len(falls) > 1 else 2.0)
    return Rest(source, fall, low, last)
