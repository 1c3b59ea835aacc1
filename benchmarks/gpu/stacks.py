"""A client's gradient step by the number of clients that share it, and convolutions by form."""

from collections.abc import Iterator
from typing import Any

import torch

from benchmarks.gpu.setup import Setup
from fedsoft.training import LOSSES, MODELS, Model, compute_in, measured_stack
from fedsoft.training.convolution import seconds_of_forms
from fedsoft.training.measure import _step
from fedsoft.training.precision import Precision

Net = tuple[dict[str, Any], tuple[int, ...]]
NETS: dict[str, Net] = {
    "head": ({"name": "mlp", "hidden": [64]}, (256,)),
    "cnn": ({"name": "cnn", "channels": [16, 32]}, (3, 32, 32)),
    "resnet": ({"name": "resnet"}, (3, 32, 32)),
}
"""Models as study files spell them, and the shape of an input."""
TINY: dict[str, Net] = {
    "head": ({"name": "mlp", "hidden": [4]}, (8,)),
    "cnn": ({"name": "cnn", "channels": [4]}, (1, 4, 4)),
    "resnet": ({"name": "resnet", "blocks": [1], "width": 4}, (1, 4, 4)),
}
SIZES = tuple(4**power for power in range(8))
CLASSES, BATCH = 10, 32
LONGEST = 1.0
"""Seconds of a step of all, beyond which no more clients are tried."""
CONVOLUTIONS = (
    (3, 16, 32, 1),
    (16, 16, 32, 1),
    (16, 32, 16, 1),
    (16, 32, 32, 2),
    (32, 32, 16, 1),
    (64, 64, 8, 1),
)
"""Channels in and out, pixels along a side, stride: those of the nets."""
MODELS_OF_FORMS = (16, 256)


def rows(setup: Setup) -> Iterator[dict[str, Any]]:
    """Microseconds of a client's step by net, precision and number of clients; what is chosen; forms."""
    yield from _nets(setup, "float32")
    yield from _forms(setup)
    if setup.is_card:
        yield from _nets(setup, "tf32")


def _nets(setup: Setup, precision: Precision) -> Iterator[dict[str, Any]]:
    """Steps of each net, and the number of clients that is chosen for it."""
    compute_in(precision, setup.device)
    measured_stack.cache_clear()  # what was chosen in another precision
    loss, (nets, sizes) = LOSSES.parse("cross_entropy"), (TINY, SIZES[:2]) if setup.smoke else (NETS, SIZES)
    for name, (options, shape) in nets.items():
        model, about = MODELS.parse(options), {"net": name, "precision": precision}
        yield {**about, "us": dict(_by_size(model, shape, setup.device, sizes))}
        yield {**about, "chosen": measured_stack(model, loss, shape, CLASSES, BATCH, setup.device)}


def _forms(setup: Setup) -> Iterator[dict[str, Any]]:
    """A convolution and its gradient in each form."""
    for fan_in, out, side, stride in CONVOLUTIONS[:1] if setup.smoke else CONVOLUTIONS:
        shape, deep = (BATCH, fan_in, side, side), fan_in != CONVOLUTIONS[0][0]
        for models in (2,) if setup.smoke else MODELS_OF_FORMS:
            found = seconds_of_forms(models, shape, out, stride, deep, setup.device, torch.float32)
            yield {
                "convolution": [fan_in, out, side, stride],
                "models": models,
                "us": {form: 1e6 * seconds / models for form, seconds in found.items()},
            }


def _by_size(
    model: Model, shape: tuple[int, ...], device: str, sizes: tuple[int, ...]
) -> Iterator[tuple[int, float | None]]:
    """Microseconds of one client's step by how many share it; None from where memory does not hold them."""
    loss = LOSSES.parse("cross_entropy")
    for size in sizes:
        try:
            seconds, _ = _step(model, loss, shape, CLASSES, BATCH, device, size)
        except torch.OutOfMemoryError:
            yield size, None
            return
        yield size, 1e6 * seconds
        if size * seconds > LONGEST:
            return
