"""Folds by image."""

import numpy as np

from fedsoft.errors import DataError


def fold_of(labels: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each image, stratified by label.

    Sizes of folds, and of each class within folds, differ by one at most.

    Args:
        labels: (N,) class indices.
        n_folds: number of folds, 2 to N.
        rng: shuffles images within their class.

    Returns:
        (N,) int64 fold numbers from 0 to n_folds - 1.

    Raises:
        DataError: there are fewer images than folds.
    """
    if not 2 <= n_folds <= len(labels):
        raise DataError(
            f"{len(labels)} images cannot be cut into {n_folds} folds; choose 2 to {len(labels)} folds."
        )
    order = np.lexsort((rng.random(len(labels)), labels))
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % n_folds
    return folds
