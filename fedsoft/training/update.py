"""The local update: K clients trained at once on their own examples."""

from functools import partial

import numpy as np
import torch
from torch import Tensor

from fedsoft.training.augmentation import Augmentation, augment
from fedsoft.training.guidance import Confused, Guidance
from fedsoft.training.losses import Objective
from fedsoft.training.mixup import Mixing, mix
from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.private import PrivateSteps, StackedNoise, accumulate_private
from fedsoft.training.steps import Steps


@torch.no_grad()
def local_update(
    model: Model,
    start: Parameters,
    inputs: Tensor,
    targets: Tensor,
    steps: Steps,
    options: Training,
    lr: float,
    guidance: Guidance | None = None,
    mixing: Mixing | None = None,
    augmentation: Augmentation | None = None,
    private: PrivateSteps | None = None,
    of: Tensor | None = None,
    out: tuple[Parameters, Tensor] | None = None,
) -> tuple[Parameters, Tensor]:
    """Train K models, each on its own batches.

    Args:
        model: the model.
        start: parameters (K, …) that each client starts from, or those (R, …) of several runs; they are left
            as they are.
        inputs: (N, …) inputs; batches are rows of it.
        targets: (T, C) table of targets; batches are rows of it.
        steps: the batches.
        options: loss, momentum and weight decay.
        lr: learning rate of this round.
        guidance: what the server asks besides.
        mixing: what each batch is mixed with, if anything.
        augmentation: how its images are shown, before they are mixed; as they are by default.
        private: how gradients are clipped and get noise, if they do. Momentum, weight decay and the proximal
            pull come after it.
        of: (K,) which of the parameters each client starts from; by default its own.
        out: parameters (N, …) to write to, and at which places (K,), if not to new ones.

    Returns:
        parameters (K, …), or ``out``'s, and mean losses over the steps (K,), in the caller's order.
    """
    guidance = guidance or Guidance()
    proximal_mu, calibration = guidance.proximal_mu, guidance.calibration
    device, active = inputs.device, steps.active.tolist()
    client = torch.from_numpy(steps.client).to(device)
    first = client if of is None else of.index_select(0, client)
    parameters = {name: value.index_select(0, first) for name, value in start.items()}
    from_home = proximal_mu or calibration is not None
    home = {name: value.clone() for name, value in parameters.items()} if from_home else {}
    correction = {n: value.index_select(0, client) for n, value in (guidance.correction or {}).items()}
    confusion = None if guidance.confusion is None else guidance.confusion.index_select(0, client)
    loss: Objective = options.loss
    velocity = (
        {name: torch.zeros_like(value) for name, value in parameters.items()} if options.momentum else {}
    )
    losses = torch.zeros(len(client), device=device)
    rows = torch.from_numpy(steps.rows).to(device).split(active)
    given = rows if steps.targets is steps.rows else torch.from_numpy(steps.targets).to(device).split(active)
    weights = torch.from_numpy(steps.weights).to(device).split(active)
    if mixing is not None:
        partner, share = (
            torch.from_numpy(part).to(device).split(active) for part in (mixing.partner, mixing.share)
        )
    if augmentation is not None:
        corner, flip = (
            torch.from_numpy(part).to(device).split(active)
            for part in (augmentation.corner, augmentation.flip)
        )
    accumulate, widths = model.accumulate, [steps.rows.shape[1]] * len(active)
    if private is not None:
        noise = StackedNoise(private, steps, parameters)
        widths = steps.widths.tolist()
    pull = options.weight_decay + proximal_mu
    k, now, moving, added = 0, parameters, velocity, correction
    for step, still in enumerate(active):
        width = widths[step]
        x, wanted = _take(inputs, rows[step][:, :width]), _take(targets, given[step][:, :width])
        if augmentation is not None:
            x = augment(x, augmentation.padding, corner[step][:, :width], flip[step][:, :width])
        if mixing is not None:
            x, wanted = mix(x, wanted, partner[step], share[step])
        if still != k:
            k = still
            now = {name: value[:k] for name, value in parameters.items()}
            moving = {name: value[:k] for name, value in velocity.items()}
            added = {name: value[:k] for name, value in correction.items()}
            if confusion is not None:
                loss = Confused(options.loss, confusion[:k])
            objective = loss
        if calibration is not None:
            began = {name: value[:k] for name, value in home.items()}
            objective = calibration.added_to(loss, model, now, began, x)
        batch = now, x, wanted, weights[step][:, :width], objective
        if private is not None:
            drawn = noise.of(step, k)
            accumulate = partial(accumulate_private, model, clip=private.clip, noise=drawn)
        if not velocity:
            losses[:k] += accumulate(*batch, into=now, keep=1 - lr * pull, scale=-lr)
            if proximal_mu:
                for name, value in now.items():
                    value.add_(home[name][:k], alpha=lr * proximal_mu)
            for name, value in added.items():
                now[name].sub_(value, alpha=lr)
            continue
        losses[:k] += accumulate(*batch, into=moving, keep=options.momentum, scale=1)
        for name, value in now.items():
            if added:
                moving[name].add_(added[name])
            if pull:
                moving[name].add_(value, alpha=pull)
            if proximal_mu:
                moving[name].sub_(home[name][:k], alpha=proximal_mu)
            value.sub_(moving[name], alpha=lr)
    counts = torch.from_numpy(steps.counts).to(device)
    back = torch.from_numpy(np.argsort(steps.client)).to(device)
    means = (losses / counts)[back]
    if out is None:
        return {name: value.index_select(0, back) for name, value in parameters.items()}, means
    into, places = out
    for name, value in parameters.items():
        into[name].index_copy_(0, places.index_select(0, client), value)
    return into, means


def _take(table: Tensor, rows: Tensor) -> Tensor:
    """Rows (K, B) of a table (N, …) -> (K, B, …); on a CPU several times faster than by indexing."""
    return table.index_select(0, rows.flatten()).view(*rows.shape, *table.shape[1:])
