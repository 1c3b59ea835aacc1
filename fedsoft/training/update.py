"""The local update: K clients trained at once on their own examples."""

import numpy as np
import torch
from torch import Tensor

from fedsoft.training.mixup import Mixing, mix
from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.steps import Steps


def local_update(
    model: Model,
    start: Parameters,
    inputs: Tensor,
    targets: Tensor,
    steps: Steps,
    options: Training,
    lr: float,
    proximal_mu: float = 0.0,
    mixing: Mixing | None = None,
) -> tuple[Parameters, Tensor]:
    """Train K copies of the global model, each on its own batches.

    Args:
        model: the model.
        start: the global parameters, without a client dimension.
        inputs: (N, …) inputs; batches are rows of it.
        targets: (T, C) table of targets; batches are rows of it.
        steps: the batches.
        options: loss, momentum and weight decay.
        lr: learning rate of this round.
        proximal_mu: pull towards the global parameters (FedProx; Li et al. 2020, arXiv:1812.06127).
        mixing: what each batch is mixed with, if anything.

    Returns:
        parameters (K, …) and mean losses over the steps (K,), in the caller's order of clients.
    """
    device, K = inputs.device, len(steps.client)
    # repeat copies even where K is 1: updates are in place, and the proximal term needs the start unchanged.
    parameters = {name: value.repeat(K, *(1 for _ in value.shape)) for name, value in start.items()}
    velocity: Parameters = {}
    losses = torch.zeros(K, device=device)
    rows = torch.from_numpy(steps.rows).to(device)
    given = rows if steps.targets is steps.rows else torch.from_numpy(steps.targets).to(device)
    weights = torch.from_numpy(steps.weights).to(device)
    if mixing is not None:
        partner, share = (torch.from_numpy(part).to(device) for part in (mixing.partner, mixing.share))
    for step, k in enumerate(steps.active.tolist()):
        x, wanted = inputs[rows[:k, step]], targets[given[:k, step]]
        if mixing is not None:
            x, wanted = mix(x, wanted, partner[:k, step], share[:k, step])
        now = {name: value[:k] for name, value in parameters.items()}
        gradients, loss = model.gradients(now, x, wanted, weights[:k, step], options.loss)
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
