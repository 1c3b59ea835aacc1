"""The batches of K clients, drawn before any of them trains."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fedsoft.training.options import Training


@dataclass(frozen=True)
class Steps:
    """Batches of K clients, those with most first; a step is one batch of each that still has one.

    Attributes:
        client: (K,) place of each stacked client in the caller's order.
        active: (S,) how many of the stacked clients, counted from the first, train in each step.
        rows: (P, B) training rows of each batch, step by step; padding repeats one of the client's.
        targets: (P, B) row of each example's target in the table of targets; padding alike.
        weights: (P, B) weight of each example in its batch's mean; 0 for padding.
    """

    client: np.ndarray
    active: np.ndarray
    rows: np.ndarray
    targets: np.ndarray
    weights: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """(K,) number of batches of each stacked client."""
        counts: np.ndarray = (self.active > np.arange(len(self.client))[:, None]).sum(axis=1)
        return counts

    @property
    def widths(self) -> np.ndarray:
        """(S,) examples of the largest batch in each step, one at least; those beyond are padding in all."""
        sizes = (self.weights > 0).sum(axis=1)
        widths: np.ndarray = np.maximum.reduceat(sizes, self.active.cumsum() - self.active)
        return np.maximum(widths, 1)

    def batches_of(self, place: int) -> np.ndarray:
        """Where the batches of the stacked client at a place stand, in the order of its steps."""
        first = self.active.cumsum() - self.active
        batches: np.ndarray = first[self.active > place] + place
        return batches


def plan_steps(
    examples: Sequence[np.ndarray],
    options: Training,
    rngs: Sequence[np.random.Generator],
    targets: Sequence[np.ndarray] | None = None,
    same: np.ndarray | None = None,
    begin: np.ndarray | None = None,
) -> Steps:
    """Draw every client's batches: each epoch a fresh order; the last batch of an epoch may be smaller.

    Args:
        examples: the training rows (n,) of each of D draws; none is empty.
        options: batch size and epochs.
        rngs: the generator of each draw's order.
        targets: where each client's targets stand in each epoch (epochs, n); by default, at its rows.
        same: (K,) which draw each client's batches are; by default each has its own.
        begin: (K,) what is added to a client's rows to have its targets'; by default nothing.
    """
    drawn = np.arange(len(examples)) if same is None else same
    size = min(options.batch_size, max(map(len, examples)))  # no wider than any batch will be
    per_epoch = np.array([-(-len(rows) // size) for rows in examples])
    client = np.argsort(-per_epoch[drawn], kind="stable")
    of = drawn[client]
    width = options.epochs * per_epoch.max() * size
    rows = np.repeat([[some[0]] for some in examples], width, axis=1)
    weights = np.zeros(rows.shape, dtype=np.float32)
    orders = [
        [rng.permutation(len(some)) for _ in range(options.epochs)]
        for some, rng in zip(examples, rngs, strict=True)
    ]
    for d, own in enumerate(examples):
        n, tail = len(own), len(own) % size
        for epoch, order in enumerate(orders[d]):
            start = epoch * per_epoch[d] * size
            rows[d, start : start + n] = own[order]
            weights[d, start : start + n - tail] = 1 / size
            weights[d, start + n - tail : start + n] = 1 / max(tail, 1)
    has_batch = np.arange(options.epochs * per_epoch.max())[:, None] < options.epochs * per_epoch[of]

    def packed(table: np.ndarray) -> np.ndarray:
        return table.reshape(len(client), -1, size).swapaxes(0, 1)[has_batch]

    rows_packed = packed(rows[of])
    given = rows_packed
    if targets is not None:
        wanted = np.repeat([[targets[k][0][0]] for k in client], width, axis=1)
        for place, (k, d) in enumerate(zip(client, of, strict=True)):
            for epoch, order in enumerate(orders[d]):
                start = epoch * per_epoch[d] * size
                wanted[place, start : start + len(order)] = targets[k][epoch][order]
        given = packed(wanted)
    elif begin is not None and begin.any():
        given = rows_packed + np.broadcast_to(begin[client], has_batch.shape)[has_batch][:, None]
    return Steps(client, has_batch.sum(axis=1), rows_packed, given, packed(weights[of]))
