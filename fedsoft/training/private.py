"""Steps whose gradients are clipped example by example and get noise: DP-SGD on K stacked clients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.privacy.models import GaussianNoise
from fedsoft.training.losses import Objective
from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.steps import Steps

AHEAD = 32_768
"""Numbers that a client draws at a time, as far as it has steps for them; those of a step at least."""


@dataclass(frozen=True)
class PrivateSteps:
    """What keeps K clients' steps private.

    Attributes:
        clip: longest norm of an example's gradient.
        noise: (K,) standard deviation of the noise on the mean gradient of each client's step.
        sources: where each client's noise comes from.
    """

    clip: float
    noise: np.ndarray
    sources: Sequence[GaussianNoise]


class StackedNoise:
    """The noise of stacked clients, step by step; each client's is the same in any stack."""

    def __init__(self, private: PrivateSteps, steps: Steps, parameters: Parameters) -> None:
        """Of clients in their order in a stack, for parameters (K, …) like these."""
        client, self._counts = steps.client, steps.counts.tolist()
        sizes = [value[0].numel() for value in parameters.values()]
        self._device = next(iter(parameters.values())).device
        self._sources = [private.sources[k] for k in client]
        self._std = private.noise[client].tolist()
        size = sum(sizes)
        ahead = min(max(1, AHEAD // size), max(self._counts))
        self._drawn = np.empty((len(client), ahead, size), dtype=np.float32)
        parts = torch.from_numpy(self._drawn).split(sizes, dim=2)
        self._parts = {
            name: part.unflatten(2, value.shape[1:]) if value.ndim > 1 else part.squeeze(2)
            for (name, value), part in zip(parameters.items(), parts, strict=True)
        }

    def of(self, step: int, still: int) -> Parameters:
        """Noise (k, …) of a step, asked for in order, for the first k clients of the stack."""
        place = step % self._drawn.shape[1]
        if place == 0:
            for k in range(still):
                ahead = self._drawn[k, : self._counts[k] - step]
                self._sources[k].fill(ahead.reshape(-1), self._std[k])
        return {name: part[:still, place].to(self._device) for name, part in self._parts.items()}


def accumulate_private(
    model: Model,
    parameters: Mapping[str, Tensor],
    x: Tensor,
    targets: Tensor,
    weights: Tensor,
    loss: Objective,
    into: Mapping[str, Tensor],
    keep: float,
    scale: float,
    clip: float,
    noise: Mapping[str, Tensor],
) -> Tensor:
    """As `Model.accumulate`, of the clipped and noisy gradient: what is done with it is post-processing."""
    value = model.accumulate_clipped(parameters, x, targets, weights, loss, into, keep, scale, clip)
    for name, part in noise.items():
        into[name].add_(part, alpha=scale)
    return value


def plan_samples(
    examples: Sequence[np.ndarray],
    options: Training,
    rngs: Sequence[np.random.Generator],
    poisson: bool,
    targets: Sequence[np.ndarray] | None = None,
) -> Steps:
    """Draw every client's batches anew in each step: epochs × ⌈n / batch_size⌉ of them.

    Args:
        examples: the training rows (n,) of each client; none is empty.
        options: batch size and epochs.
        rngs: the generator of each client's draws.
        poisson: each example is in a batch by a coin of its own, with probability batch_size / n; else
            batch_size of them are drawn, without replacement.
        targets: where each client's targets stand (epochs, n), the same in each epoch; by default, at
            ``examples``.

    Returns:
        batches, whose weights are one over the batch size that is expected; a batch may be empty.
    """
    counts = np.array([options.epochs * -(-len(rows) // options.batch_size) for rows in examples])
    client = np.argsort(-counts, kind="stable")
    drawn = [_samples(len(examples[k]), options.batch_size, counts[k], rngs[k], poisson) for k in client]
    width = max(places.shape[1] for places, _ in drawn)
    active = (np.arange(counts.max())[:, None] < counts[client]).sum(axis=1)
    rows = np.empty((counts.sum(), width), dtype=np.int64)
    given = rows if targets is None else np.empty_like(rows)
    weights = np.zeros(rows.shape, dtype=np.float32)
    first = active.cumsum() - active
    for place, (k, (places, sizes)) in enumerate(zip(client, drawn, strict=True)):
        at, own = first[: counts[k]] + place, examples[k]
        rows[at] = own[0]
        rows[at, : places.shape[1]] = own[places]
        if targets is not None:
            given[at] = targets[k][0][0]
            given[at, : places.shape[1]] = targets[k][0][places]
        weights[at] = (np.arange(width) < sizes[:, None]) * np.float32(1 / min(options.batch_size, len(own)))
    return Steps(client, active, rows, given, weights)


def _samples(
    n: int, size: int, steps: int, rng: np.random.Generator, poisson: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Samples of n, one a step: places (steps, width), padded, and how many of them (steps,) it has."""
    size = min(size, n)
    if size == n:
        return np.broadcast_to(np.arange(n), (steps, n)), np.full(steps, n)
    if not poisson:
        order = rng.random((steps, n)).argpartition(size, axis=1)
        return order[:, :size], np.full(steps, size)
    step, places = np.nonzero(rng.random((steps, n)) < size / n)
    sizes = np.bincount(step, minlength=steps)
    padded = np.zeros((steps, max(1, int(sizes.max()))), dtype=np.int64)
    padded[step, np.arange(len(step)) - np.repeat(sizes.cumsum() - sizes, sizes)] = places
    return padded, sizes
