"""How many models to train as one tensor program: the number that is fastest on this machine."""

import time
from functools import lru_cache

import torch

from fedsoft.streams import stream
from fedsoft.training.losses import Loss
from fedsoft.training.model import Model

LARGEST = 64
GAIN = 1.02
"""Twice as many must be this much faster, each, to be worth their memory."""


@lru_cache(maxsize=64)
def measured_stack(
    model: Model, loss: Loss, inputs: tuple[int, ...], classes: int, batch: int, device: str
) -> int:
    """Double the number of models while that makes each of them faster, by timing gradient steps.

    Whatever the number, results are the same up to the rounding of sums.

    Args:
        model: the model.
        loss: what it minimises.
        inputs: shape of one input.
        classes: number of classes.
        batch: examples a step.
        device: where it trains.
    """
    stack = 1
    try:
        best = _seconds(model, loss, inputs, classes, batch, device, 1)
        while stack < LARGEST:
            twice = _seconds(model, loss, inputs, classes, batch, device, 2 * stack)
            if twice * GAIN > best:
                break
            stack, best = 2 * stack, twice
    except Exception:  # a model of the user's may raise anything: its runs will say so, one by one
        return 1
    return stack


@torch.no_grad()
def _seconds(
    model: Model,
    loss: Loss,
    inputs: tuple[int, ...],
    classes: int,
    batch: int,
    device: str,
    stack: int,
    repeats: int = 7,
) -> float:
    """Seconds of a gradient step of one of ``stack`` models, at best."""
    initial = model.initial(inputs, classes, stream("measurement"))
    parameters = {
        name: torch.from_numpy(value).to(device).repeat(stack, *(1 for _ in value.shape))
        for name, value in initial.items()
    }
    x = torch.linspace(-1, 1, stack * batch, device=device).reshape(stack, batch, *(1 for _ in inputs))
    x = x.expand(stack, batch, *inputs).contiguous()
    targets = torch.full((stack, batch, classes), 1 / classes, device=device)
    weights = torch.full((stack, batch), 1 / batch, device=device)
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        model.accumulate(parameters, x, targets, weights, loss, parameters, 1.0, -1e-3).sum().item()
        spent.append(time.perf_counter() - began)
    return min(spent) / stack
