"""Many tests at once: p values adjusted so that one false claim among all of them is as rare as in one."""

import numpy as np


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values (M,), capped at 1; NaN stays NaN and counts for nothing.

    Holm 1979, Scandinavian Journal of Statistics 6:65.
    """
    return np.minimum(holm_steps(np.asarray(p_values, dtype=float))[0], 1.0)


def holm_steps(p_values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Uncapped adjusted p values (M,), and the number of hypotheses (M,) that each is tested beside."""
    order = np.argsort(p_values, kind="stable")  # NaN goes last
    rank = np.empty(len(order))
    rank[order] = np.arange(len(order))
    factor = np.maximum((~np.isnan(p_values)).sum() - rank, 1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.maximum.accumulate((p_values * factor)[order])
    return adjusted, factor
