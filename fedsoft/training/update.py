"""The local update: K clients trained at once on their own examples."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from fedsoft.training.augmentation import Augmentation
from fedsoft.training.guidance import Guidance
from fedsoft.training.mixup import Mixing
from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.private import PrivateSteps, StackedNoise
from fedsoft.training.repeat import repeat
from fedsoft.training.steps import Steps
from fedsoft.training.trainees import Data, Trainees


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
    out: Parameters | None = None,
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
        augmentation: where each image of a batch is cut out and which are mirrored, if any; before they are
            mixed.
        private: how gradients are clipped and get noise, if they do. Momentum, weight decay and the proximal
            pull come after it.
        of: (K,) which of the parameters each client starts from; by default its own.
        out: parameters (K, …) to write the trained ones to, in the order of ``steps.client``.

    Returns:
        parameters (K, …), ``out``'s or new ones in the caller's order, and mean losses over the steps (K,),
        in the caller's order.
    """
    device = inputs.device
    client, counts, back = (
        _there(part, device) for part in (steps.client, steps.counts, np.argsort(steps.client))
    )
    first = client if of is None else of.index_select(0, client)
    parameters = {
        name: torch.index_select(value, 0, first, out=None if out is None else out[name])
        for name, value in start.items()
    }
    noise = None if private is None else (StackedNoise(private, steps, parameters), private.clip)
    padding = None if augmentation is None else augmentation.padding
    trainees = Trainees(
        model, Data(inputs, targets, padding), options, lr, parameters, guidance or Guidance(), client, noise
    )
    parts, begun, step = _parts(steps, mixing, augmentation, device), 0, 0
    widths = None if private is None else steps.widths.tolist()
    for k, count in _phases(steps.active):
        phase = {
            name: part[begun : begun + k * count].unflatten(0, (count, k)) for name, part in parts.items()
        }
        repeat(trainees.first(k).step, phase, count, step, widths)
        begun, step = begun + k * count, step + count
    means = (trainees.losses / counts)[back]
    if out is not None:
        return out, means
    return {name: value.index_select(0, back) for name, value in parameters.items()}, means


def _phases(active: np.ndarray) -> Iterator[tuple[int, int]]:
    """Numbers of clients that train, as long as they stay the same, and for how many steps they do."""
    ends = np.flatnonzero(np.diff(active, append=0))
    yield from zip(active[ends].tolist(), np.diff(ends, prepend=-1).tolist(), strict=True)


def _parts(
    steps: Steps, mixing: Mixing | None, augmentation: Augmentation | None, device: torch.device
) -> Mapping[str, Tensor]:
    """What steps need of batches (P, …), on a device."""
    arrays = {"rows": steps.rows, "weights": steps.weights}
    if steps.targets is not steps.rows:
        arrays["targets"] = steps.targets
    if mixing is not None:
        arrays |= {"partner": mixing.partner, "share": mixing.share}
    if augmentation is not None:
        arrays |= {"corner": augmentation.corner, "flip": augmentation.flip}
    return {name: _there(array, device) for name, array in arrays.items()}


def _there(array: np.ndarray, device: torch.device) -> Tensor:
    """An array on a device; on its way to a card the host does not wait for it."""
    tensor = torch.from_numpy(array)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)
