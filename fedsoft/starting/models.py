"""Which model suits some inputs, and about which learning rate."""

from typing import Any

import numpy as np

from fedsoft.datasets import AnnotatedDataset
from fedsoft.plural import plural
from fedsoft.starting.draft import Entry

A_HIDDEN_LAYER = 300
"""From so many training examples on, and four a feature, a hidden layer is worth its parameters."""
SMALLEST_IMAGE = 4
"""Pixels a side, below which there is nothing to convolve."""
A_LARGE_IMAGE, MANY_IMAGES = 32, 1000
"""Pixels a side beyond which, or training images from which on, a linear model on pixels is no rival."""
RATE_OF_IMAGES = 0.1
RATE_OF_FEATURES = 10.0
"""Learning rate × mean squared length of inputs at which heads on features train well, about."""
FEW = 200
"""Clients with fewer examples take smaller batches and two passes a round."""
HEAVY = 300 * 32 * 32
"""Pixels of all training images from which a study takes minutes, so that its first look compares less."""
ODD_SCALES = 100.0
"""Features whose spreads differ by so much train badly together."""


def model_for(data: AnnotatedDataset, training: int) -> Entry:
    """A model for the inputs of some data, of which so many examples are trained on."""
    if data.inputs.ndim == 4:
        side = min(data.inputs.shape[1:3])
        if side < SMALLEST_IMAGE:
            return Entry({"name": "mlp", "hidden": [64]}, f"images of {side} pixels are too small for a cnn")
        channels = [16, 32] if side <= 32 else [16, 32, 64]
        return Entry({"name": "cnn", "channels": channels}, "a small net on the images themselves")
    features = data.inputs.shape[1]
    on = f"{plural(training, 'example')} with {plural(features, 'feature')}"
    if training >= max(A_HIDDEN_LAYER, 4 * features):
        return Entry({"name": "mlp", "hidden": [64]}, f"one hidden layer on {on}")
    return Entry("linear", f"{on}: too few for a hidden layer")


def others_for(data: AnnotatedDataset, training: int) -> tuple[Any, ...]:
    """Models that a search should hold against the usual one: a net of few images may never get going."""
    if data.inputs.ndim != 4 or training >= MANY_IMAGES:
        return ()
    return ("linear",) if SMALLEST_IMAGE <= min(data.inputs.shape[1:3]) <= A_LARGE_IMAGE else ()


def heavy(data: AnnotatedDataset, training: int) -> bool:
    """Whether a run on so many training examples takes long: a net on that many images."""
    return data.inputs.ndim == 4 and training * int(np.prod(data.inputs.shape[1:3])) > HEAVY


def training_for(data: AnnotatedDataset, sizes: np.ndarray, model: Any) -> dict[str, Entry]:
    """Batches and passes for clients with so many examples (K,), and a rate for a model to begin with."""
    few = float(np.median(sizes)) < FEW
    return {
        "lr": Entry(near(middle_rate(data, model))),
        "batch_size": Entry(16 if few else 32),
        "epochs": Entry(2 if few else 1, "passes of a client over its examples in a round"),
    }


def middle_rate(data: AnnotatedDataset, model: Any) -> float:
    """The learning rate about which to search: what heads bear falls as the inputs' squared length."""
    if data.inputs.ndim == 4 and model != "linear":
        return RATE_OF_IMAGES
    inputs = data.inputs.reshape(len(data), -1)
    lengths = [(_as_batch(some) ** 2).sum(axis=1) for some in np.array_split(inputs, len(inputs) // 1000 + 1)]
    return RATE_OF_FEATURES / (1 + float(np.concatenate(lengths).mean()))


def _as_batch(inputs: np.ndarray) -> np.ndarray:
    """Inputs as models see them: pixels lie from -1 to 1."""
    numbers = inputs.astype(np.float64)
    return numbers / 127.5 - 1 if inputs.dtype == np.uint8 else numbers


def near(rate: float, steps: int = 0) -> float:
    """The nearest of …, 0.01, 0.03, 0.1, 0.3, …, or one some steps above or below it."""
    exponent = round(2 * np.log10(rate)) + steps
    return float(f"{10 ** (exponent / 2):.0e}")


def scales_note(data: AnnotatedDataset) -> tuple[str, ...]:
    """A sentence where features are on scales so unlike that no learning rate suits all."""
    if data.inputs.ndim == 4:
        return ()
    spread = data.inputs.std(axis=0)
    spread = spread[spread > 0]
    if not len(spread) or spread.max() < ODD_SCALES * spread.min():
        return ()
    return (
        f"Features spread from {spread.min():.2g} to {spread.max():.2g}, and no learning rate suits both: "
        "models train better on standardised features (each less its mean, by its standard deviation).",
    )
