"""How soft targets are and how far apart: measured, never assumed."""

import numpy as np

from fedsoft.supervision.matching import entropy


def describe_targets(targets: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Mean entropy (nats), mean top mass and mode-shift rate of targets (N, C) against labels (N,).

    A tie for the top counts as a shift by the share of tied classes that are not the label.
    """
    ties = targets == targets.max(axis=1, keepdims=True)
    kept = ties[np.arange(len(labels)), labels] / ties.sum(axis=1)
    return {
        "entropy": float(entropy(targets).mean()),
        "top_mass": float(targets.max(axis=1).mean()),
        "mode_shift_rate": float(1 - kept.mean()),
    }


def dose(first: np.ndarray, second: np.ndarray) -> float:
    """Mean total variation between two sets of targets (N, C), in [0, 1]: the dose of their contrast."""
    return float(np.abs(first - second).sum(axis=1).mean() / 2)
