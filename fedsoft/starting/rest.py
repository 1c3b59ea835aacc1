"""Which learning rate to take, and for how many rounds, by validation examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.analysis.learning import STILL, last_fall
from fedsoft.execution.search import Tried

LENGTHS = (10, 15, 20, 25, 30, 40, 50, 60)
"""Rounds that a first study may have."""
ALIKE = 0.01
"""NLL by which rates may differ and count as equally good."""


@dataclass(frozen=True)
class Settled:
    """What training at one learning rate came to.

    Attributes:
        lr: the rate.
        rounds: after how many it was at rest, or how many were tried.
        at_rest: whether it was.
        nll: mean validation NLL there, over arms and seeds.
    """

    lr: float
    rounds: int
    at_rest: bool
    nll: float


def settle(arms: Sequence[Tried]) -> Settled:
    """Where training at one rate came to rest: where its last fifth won no arm half of what would matter."""
    most = arms[0].nll.shape[1] - 1
    for rounds in (length for length in LENGTHS if length <= most):
        curves = [one.brier.mean(axis=0)[: rounds + 1] for one in arms]
        if all(last_fall(curve)[0] <= STILL / 2 for curve in curves):
            return Settled(arms[0].value, rounds, True, _nll(arms, rounds))
    return Settled(arms[0].value, most, False, _nll(arms, most))


def best(settled: Sequence[Settled]) -> Settled:
    """The smallest rate that is about as good as the best, of those at rest if there are any.

    Larger ones make hard labels overfit sooner.
    """
    some = [one for one in settled if one.at_rest] or list(settled)
    least = min(one.nll for one in some)
    return min((one for one in some if one.nll <= least + ALIKE), key=lambda one: one.lr)


def _nll(arms: Sequence[Tried], rounds: int) -> float:
    """Mean over arms, seeds and the last three rounds, since single ones go up and down."""
    return float(np.mean([one.nll[:, max(0, rounds - 2) : rounds + 1] for one in arms]))
