"""Classes that people gave, but on no item most often."""

import numpy as np


def never_most(item: np.ndarray, label: np.ndarray, share: np.ndarray, classes: int) -> np.ndarray:
    """The classes that were answered, and are on no item those with most answers, alone or among several.

    Args:
        item: (A,) the item of each answer.
        label: (A,) its class.
        share: (A,) how much of an answer it is.
        classes: how many there are.
    """
    cells, place = np.unique(item * classes + label, return_inverse=True)
    sums = np.bincount(place.reshape(-1), weights=share)
    most = np.zeros(item.max(initial=0) + 1)
    np.maximum.at(most, cells // classes, sums)
    leading = sums >= most[cells // classes] * (1 - 1e-9)  # shares that are equal sum to equal up to rounding
    return np.setdiff1d(label, cells[leading] % classes)
