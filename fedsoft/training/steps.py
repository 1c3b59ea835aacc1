"""The batches of K clients, drawn before any of them trains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.training.options import Training


@dataclass(frozen=True)
class Steps:
    """Batches of K clients, longest first.

    Attributes:
        client: (K,) place of each stacked client in the caller's order.
        rows: (K, S, B) training rows of each step; padding repeats the client's first row.
        targets: (K, S, B) row of each example's target in the table of targets.
        weights: (K, S, B) weight of each example in its batch's mean; 0 for padding.
        active: (S,) how many of the stacked clients still train in each step.
    """

    client: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    active: np.ndarray


def plan_steps(
    examples: Sequence[np.ndarray],
    options: Training,
    rngs: Sequence[np.random.Generator],
    targets: Sequence[np.ndarray] | None = None,
) -> Steps:
    """Draw every client's batches: each epoch a fresh order; the last batch of an epoch may be smaller.

    Args:
        examples: the training rows (n,) of each client; none is empty.
        options: batch size and epochs.
        rngs: the generator of each client's order.
        targets: where each client's targets stand in each epoch (epochs, n); by default, at ``examples``.
    """
    size = min(options.batch_size, max(map(len, examples)))  # no wider than any batch will be
    per_epoch = np.array([-(-len(rows) // size) for rows in examples])
    client = np.argsort(-per_epoch, kind="stable")
    first = np.array([examples[k][0] for k in client])
    rows = np.repeat(first[:, None], options.epochs * per_epoch.max() * size, axis=1)
    given = rows if targets is None else rows.copy()
    weights = np.zeros(rows.shape, dtype=np.float32)
    for place, k in enumerate(client):
        n, tail = len(examples[k]), len(examples[k]) % size
        for epoch in range(options.epochs):
            start = epoch * per_epoch[k] * size
            order = rngs[k].permutation(n)
            rows[place, start : start + n] = examples[k][order]
            if targets is not None:
                given[place, start : start + n] = targets[k][epoch][order]
            weights[place, start : start + n - tail] = 1 / size
            weights[place, start + n - tail : start + n] = 1 / max(tail, 1)
    steps = options.epochs * per_epoch[client]
    active = (steps[:, None] > np.arange(steps[0])).sum(axis=0)
    shape = (len(examples), -1, size)
    return Steps(client, rows.reshape(shape), given.reshape(shape), weights.reshape(shape), active)
