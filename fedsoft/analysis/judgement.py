"""Whether strategies that judge their clients judge them rightly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from fedsoft.analysis.finished import Finished

FEWEST = 5
"""Clients of known quality, fewer than which say nothing of ranks."""


@dataclass(frozen=True)
class Judgement:
    """A strategy's estimates of its clients' annotation quality beside the truth, in one cell.

    Attributes:
        axes: the values that set the cell apart.
        strategy: its label.
        correlation: Spearman's, over clients, in the mean over runs; NaN where all were judged alike.
        low: lower end of its 95 % interval.
        high: its upper end.
        clients: the fewest clients of any run that have both.
        runs: how many.
    """

    axes: dict[str, Any]
    strategy: str
    correlation: float
    low: float
    high: float
    clients: int
    runs: int


def judgements_of(finished: Finished, source: str, strategies: Sequence[str]) -> list[Judgement]:
    """The judgements of those strategies that judge clients, by the runs of a source.

    A client's true quality is the share of its answers that equal the data's label.
    """
    found = []
    for strategy in strategies:
        pairs = []
        for run in finished.done:
            if run.kind == "trained" and (run.arm.label(), run.strategy.label()) == (source, strategy):
                record = finished.records[run.key]
                estimated, true = record.get("estimated_quality"), record.get("quality", {}).get("label")
                if estimated and true:
                    pair = np.array([estimated, true], dtype=float)
                    if np.isnan(pair[0]).all():
                        pair[0] = 0.0  # of no client any estimate: all were judged alike
                    pairs.append(pair)
        known = [pair[:, np.isfinite(pair).all(axis=0)] for pair in pairs]
        if known and min(pair.shape[1] for pair in known) >= FEWEST:
            found.append(Judgement(finished.cell.axes, strategy, *rank_agreement(known)))
    return found


def rank_agreement(pairs: Sequence[np.ndarray]) -> tuple[float, float, float, int, int]:
    """Spearman's correlation of estimates and truths (2, K), in the mean over runs, with its interval.

    The interval is that of one run of as many clients, by Fisher's z with the variance of Bonett and Wright
    2000 (doi:10.1007/BF02294183): runs may share clients, so that more of them need not say more. Where one
    of the two is the same for all clients, their ranks agree as chance has it: 0. Where estimates are so in
    all runs, nobody was judged: NaN.

    Returns:
        correlation, lower and upper end, the fewest clients, and the number of runs.
    """
    from scipy.stats import spearmanr  # here, since it takes a second to import

    each = [0.0 if np.ptp(pair, axis=1).min() == 0 else float(spearmanr(*pair).statistic) for pair in pairs]
    mean, clients = float(np.mean(each)), min(pair.shape[1] for pair in pairs)
    if not any(np.ptp(pair[0]) for pair in pairs):
        mean = np.nan
    z = np.arctanh(np.clip(mean, -1 + 1e-12, 1 - 1e-12))
    reach = ndtri(0.975) * np.sqrt((1 + mean**2 / 2) / (clients - 3))
    return mean, float(np.tanh(z - reach)), float(np.tanh(z + reach)), clients, len(pairs)
