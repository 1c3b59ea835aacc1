"""Examples dealt to clients in proportions."""

import numpy as np


def in_shares(shares: np.ndarray, count: int) -> np.ndarray:
    """(count,) clients, ascending, each as often as its share (clients,) says, up to rounding."""
    ends = np.round(np.cumsum(shares)[:-1] * count).astype(int)
    owner: np.ndarray = np.searchsorted(ends, np.arange(count), side="right")
    return owner


def in_proportion(
    labels: np.ndarray,
    held_labels: np.ndarray,
    held_owner: np.ndarray,
    clients: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Owners of new examples: each class goes to clients in proportion to what they hold of it.

    Args:
        labels: (N,) class of each new example.
        held_labels: (M,) class of each example that is held.
        held_owner: (M,) its client.
        clients: number of clients, among whom a class that nobody holds is spread evenly.
        rng: draws which examples of a class go where.

    Returns:
        (N,) clients.
    """
    owner = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        counts = np.bincount(held_owner[held_labels == label], minlength=clients).astype(float)
        shares = counts / counts.sum() if counts.sum() else np.full(clients, 1 / clients)
        owner[rows] = in_shares(shares, len(rows))
    return owner
