"""People who answered one item more than once."""

import numpy as np

from fedsoft.datasets.answers.options import Repeated


def repeats(unit: np.ndarray, rule: Repeated) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of answers of one person to one item, and which answers count.

    Args:
        unit: (G,) a number for each person and item, one entry an answer, in the order of the file.
        rule: which of several count.

    Returns:
        (P, 2) indices of consecutive answers, the earlier first, in the order of the file by the later; and
        (G,) whether each answer counts.
    """
    order = np.argsort(unit, kind="stable")
    same = unit[order][1:] == unit[order][:-1]
    pairs = np.stack([order[:-1][same], order[1:][same]], axis=1)
    counts = np.ones(len(unit), dtype=bool)
    if rule != "all":
        counts[pairs[:, 0 if rule == "last" else 1]] = False
    return pairs[np.argsort(pairs[:, 1], kind="stable")], counts
