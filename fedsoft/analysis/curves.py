"""What models score after each round, on validation examples."""

import numpy as np

from fedsoft.analysis.finished import Finished
from fedsoft.analysis.values import Values

Curves = dict[str, np.ndarray]
"""Figures (seeds, rounds + 1) by name."""


def curves_of(finished: Finished, strategy: str, values: Values) -> dict[tuple[str, str], Curves]:
    """Curves by strategy and source, over the seeds that have values; of those that train."""
    curves: dict[tuple[str, str], Curves] = {}
    for source in values.sources:
        rounds = [
            finished.store.rounds(run.key, run.rounds)
            for run in finished.cell.runs
            if (run.strategy.label(), run.arm.label()) == (strategy, source) and run.seed in values.seed
            if run.kind == "trained"
        ]
        if rounds:
            curves[strategy, source] = {
                name: np.array([[figures[name] for figures in run] for run in rounds])
                for name in rounds[0][0]
            }
    return curves
