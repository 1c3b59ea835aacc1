"""The local update: K clients trained at once on their own examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training


@dataclass(frozen=True)
class Steps:
    """Batches of K clients, longest first.

    Attributes:
        client: (K,) place of each stacked client in the caller's order.
        rows: (K, S, B) training rows of each step; padding repeats the client's first row.
        weights: (K, S, B) weight of each example in its batch's mean; 0 for padding.
        active: (S,) how many of the stacked clients still train in each step.
    """

    client: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    active: np.ndarray


def plan_steps(
    examples: Sequence[np.ndarray], options: Training, rngs: Sequence[np.random.Generator]
) -> Steps:
    """Draw every client's batches: each epoch a fresh order; the last batch of an epoch may be smaller.

    Args:
        examples: the training rows of each client; none is empty.
        options: batch size and epochs.
        rngs: the generator of each client's order.
    """
    size = min(options.batch_size, max(map(len, examples)))  # no wider than any batch will be
    counts = np.array([options.epochs * -(-len(rows) // size) for rows in examples])
    client = np.argsort(-counts, kind="stable")
    rows = np.zeros((len(examples), counts.max(), size), dtype=np.int64)
    weights = np.zeros(rows.shape, dtype=np.float32)
    for place, k in enumerate(client):
        rows[place], step = examples[k][0], 0
        for _ in range(options.epochs):
            order = rngs[k].permutation(examples[k])
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                rows[place, step, : len(batch)] = batch
                weights[place, step, : len(batch)] = 1 / len(batch)
                step += 1
    active = (counts[client][:, None] > np.arange(counts.max())).sum(axis=0)
    return Steps(client, rows, weights, active)


def local_update(
    model: Model,
    start: Parameters,
    inputs: Tensor,
    targets: Tensor,
    steps: Steps,
    options: Training,
    lr: float,
    proximal_mu: float = 0.0,
) -> tuple[Parameters, Tensor]:
    """Train K copies of the global model, each on its own batches.

    Args:
        model: the model.
        start: the global parameters, without a client dimension.
        inputs: (N, …) inputs; batches are rows of it.
        targets: (N, C) targets of the same rows.
        steps: the batches.
        options: momentum and weight decay.
        lr: learning rate of this round.
        proximal_mu: pull towards the global parameters (FedProx; Li et al. 2020, arXiv:1812.06127).

    Returns:
        parameters (K, …) and mean losses over the steps (K,), in the caller's order of clients.
    """
    device, K = inputs.device, len(steps.client)
    # repeat copies even where K is 1: updates are in place, and the proximal term needs the start unchanged.
    parameters = {name: value.repeat(K, *(1 for _ in value.shape)) for name, value in start.items()}
    velocity: Parameters = {}
    losses = torch.zeros(K, device=device)
    rows = torch.from_numpy(steps.rows).to(device)
    weights = torch.from_numpy(steps.weights).to(device)
    for step, k in enumerate(steps.active.tolist()):
        chosen = rows[:k, step]
        now = {name: value[:k] for name, value in parameters.items()}
        gradients, loss = model.gradients(now, inputs[chosen], targets[chosen], weights[:k, step])
        losses[:k] += loss
        for name, value in now.items():
            gradient = gradients[name]
            if options.weight_decay:
                gradient = gradient.add(value, alpha=options.weight_decay)
            if proximal_mu:
                gradient = gradient.add(value - start[name], alpha=proximal_mu)
            if options.momentum:
                if name not in velocity:
                    velocity[name] = torch.zeros_like(parameters[name])
                gradient = velocity[name][:k].mul_(options.momentum).add_(gradient)
            value.sub_(gradient, alpha=lr)
    counts = torch.from_numpy((steps.weights.any(-1)).sum(-1)).to(device)
    back = torch.from_numpy(np.argsort(steps.client)).to(device)
    return {name: value[back] for name, value in parameters.items()}, (losses / counts)[back]
