"""The batches of K clients, drawn before any of them trains."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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
    drawn = range(len(examples)) if same is None else same.tolist()
    orders = [
        [rng.permutation(len(own)) for _ in range(options.epochs)]
        for own, rng in zip(examples, rngs, strict=True)
    ]
    layout = _layout(tuple(len(examples[d]) for d in drawn), options.batch_size, options.epochs)
    shuffled = [
        np.concatenate([own[order] for order in some]) for own, some in zip(examples, orders, strict=True)
    ]
    rows = layout.filled([shuffled[d] for d in drawn])
    given = rows
    if targets is not None:
        wanted = [
            np.concatenate([own[order] for own, order in zip(targets[k], orders[d], strict=True)])
            for k, d in enumerate(drawn)
        ]
        given = layout.filled(wanted)
    elif begin is not None and begin.any():
        given = rows + begin[layout.owner][:, None]
    return Steps(layout.client, layout.active, rows, given, layout.weights)


@dataclass(frozen=True)
class _Layout:
    """Where the examples of K clients stand in their batches, whatever their order.

    Attributes:
        client: as of `Steps`.
        active: likewise.
        weights: likewise.
        owner: (P,) whose each batch is, in the caller's order.
        place: (M,) where each client's examples stand in the flattened batches, epoch by epoch.
        padding: (Q,) where padding stands there.
    """

    client: np.ndarray
    active: np.ndarray
    weights: np.ndarray
    owner: np.ndarray
    place: np.ndarray
    padding: np.ndarray

    def filled(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """(P, B) values (epochs · n,) of each client, in batches; padding repeats its first."""
        batches = np.empty(self.weights.size, dtype=np.int64)
        batches[self.place] = np.concatenate(values)
        first = np.array([own[0] for own in values])
        batches[self.padding] = first[self.owner[self.padding // self.weights.shape[1]]]
        return batches.reshape(self.weights.shape)


@lru_cache(maxsize=64)
def _layout(counts: tuple[int, ...], batch_size: int, epochs: int) -> _Layout:
    """The layout of clients who hold so many examples, which is the same in every round."""
    n = np.array(counts)
    size = min(batch_size, int(n.max()))  # no wider than any batch will be
    per_epoch = -(-n // size)
    client = np.argsort(-per_epoch, kind="stable")
    stacked = np.argsort(client)
    active = (np.arange(epochs * per_epoch.max())[:, None] < epochs * per_epoch).sum(axis=1)
    first = active.cumsum() - active
    owner = np.concatenate([client[:k] for k in active])
    of = np.repeat(np.arange(len(n)), epochs * n)  # each example's client, epoch, and place in it
    within = np.arange(len(of)) - np.repeat((epochs * n).cumsum() - epochs * n, epochs * n)
    epoch, i = within // n[of], within % n[of]
    step = epoch * per_epoch[of] + i // size
    place = (first[step] + stacked[of]) * size + i % size
    tail = n % size
    weights = np.zeros((active.sum(), size), dtype=np.float32)
    weights.flat[place] = np.where(i < (n - tail)[of], 1 / size, 1 / np.maximum(tail, 1)[of])
    return _Layout(client, active, weights, owner, place, np.flatnonzero(weights.ravel() == 0))
