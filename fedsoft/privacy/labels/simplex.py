"""Back to distributions."""

import numpy as np


def project_to_simplex(rows: np.ndarray) -> np.ndarray:
    """The nearest point of the probability simplex to each row, in Euclidean distance.

    Duchi, Shalev-Shwartz, Singer, Chandra, ICML 2008, figure 1.

    Args:
        rows: (N, C) finite numbers.

    Returns:
        (N, C) rows of non-negative numbers that sum to 1.
    """
    classes = rows.shape[1]
    descending = -np.sort(-rows, axis=1)
    excess = np.cumsum(descending, axis=1) - 1
    kept = (descending * np.arange(1, classes + 1) > excess).sum(axis=1, keepdims=True)
    threshold = np.take_along_axis(excess, kept - 1, axis=1) / kept
    return np.maximum(rows - threshold, 0)
