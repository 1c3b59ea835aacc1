"""Which learning rate to take, and for how many rounds, by validation examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.analysis.learning import STILL, last_fall
from fedsoft.execution.search import Tried
from fedsoft.report.answer import TOO_LONG

LENGTHS = (10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 120)
"""Rounds that a first study may have."""
ALIKE = 0.01
"""NLL by which rates may differ and count as equally good."""
A_GAIN, A_CHANCE = 0.01, 0.25
"""Shares of a constant forecast's Brier score: what a gain should be, and about how far one example's score
lies from it where nothing was learned."""
SOME = 3
"""Rounds whose mean is taken, since single ones go up and down."""


@dataclass(frozen=True)
class Settled:
    """What training at one learning rate came to.

    Attributes:
        lr: the rate.
        rounds: after how many it was at rest, or how many were tried.
        at_rest: whether it was; never where nothing was learned.
        nll: mean validation NLL there, over arms and seeds.
        brier: the worst arm's mean validation Brier score there.
        learned: whether every arm was better there than a constant forecast.
        past: the round in which the baseline's NLL was least, where it got worse from there by what a report
            calls too long; else None.
    """

    lr: float
    rounds: int
    at_rest: bool
    nll: float
    brier: float
    learned: bool
    past: int | None = None


def bar(constant: float, examples: int) -> float:
    """The Brier score below which models have learned, beyond what chance makes of few validation examples.

    Args:
        constant: of a constant forecast.
        examples: that validate, over all seeds.
    """
    return constant * (1 - max(A_GAIN, A_CHANCE / np.sqrt(max(examples, 1))))


def settle(arms: Sequence[Tried], below: float) -> Settled:
    """Where training at one rate came to rest.

    That is where all arms are better than a constant, their last fifth won none of them half of what would
    matter, and nothing that was tried beyond would have won more than that twice.

    Args:
        arms: of one rate, the baseline first.
        below: the Brier score below which models have learned.
    """
    most = arms[0].nll.shape[1] - 1
    curves = [one.brier.mean(axis=0) for one in arms]

    def rests(curve: np.ndarray, rounds: int) -> bool:
        ahead = _smooth(curve)[rounds:]
        slow = last_fall(curve[: rounds + 1])[0] <= STILL / 2
        return slow and float(ahead[0]) < below and bool(ahead[0] - ahead.min() <= 2 * STILL)

    lengths = [length for length in LENGTHS if length <= most]
    resting = [rounds for rounds in lengths if all(rests(curve, rounds) for curve in curves)]
    rounds = resting[0] if resting else most
    brier = max(float(_smooth(curve)[rounds]) for curve in curves)
    nll = float(np.mean([_smooth(one.nll.mean(axis=0))[rounds] for one in arms]))
    return Settled(arms[0].value, rounds, bool(resting), nll, brier, brier < below, _past(arms[0], rounds))


def best(settled: Sequence[Settled]) -> Settled:
    """The smallest rate that is about as good as the best, of those that learned and are at rest if any are.

    Larger ones make hard labels overfit sooner.
    """
    some = [one for one in settled if one.learned] or list(settled)
    some = [one for one in some if one.at_rest] or some
    least = min(one.nll for one in some)
    return min((one for one in some if one.nll <= least + ALIKE), key=lambda one: one.lr)


def _smooth(curve: np.ndarray) -> np.ndarray:
    """(R,) means of some rounds up to each."""
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    ends = np.arange(1, len(curve) + 1)
    starts = np.maximum(ends - SOME, 0)
    means: np.ndarray = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def _past(baseline: Tried, rounds: int) -> int | None:
    nll = baseline.nll.mean(axis=0)[: rounds + 1]
    return int(nll.argmin()) if nll[-1] > nll.min() + TOO_LONG else None
