"""What clients do for privacy before anything leaves them, and refuse to send otherwise."""

from collections.abc import Mapping, Sequence

import numpy as np

from fedsoft.federation import asks
from fedsoft.federation.asked import Told
from fedsoft.federation.records import to_arrays
from fedsoft.privacy.models import GaussianNoise, clip, norms
from fedsoft.training import COUPLED, PrivateSteps

SLACK = 1e-6
"""How much longer than the bound, relatively, a clipped update may be by rounding."""


def private_of(one: Told) -> bool:
    """Whether what a client sends is promised to be private."""
    return asks.UPDATE_CLIP in one.config or asks.EXAMPLE_CLIP in one.config


def private_steps(asked: Sequence[Told], rngs: Sequence[np.random.Generator]) -> PrivateSteps | None:
    """How clients that are alike keep their steps private; None where they are not asked to.

    Args:
        asked: the clients.
        rngs: each one's, which names the key of its noise.

    Raises:
        ValueError: they are asked for something by which an example would be in more than its own gradient.
    """
    if asks.EXAMPLE_CLIP not in asked[0].config:
        return None
    training = asked[0].task.training
    others = {asks.CORRECTION, asks.CALIBRATION, asks.REPORT, asks.SLIPS, asks.ANCHOR}
    unfit = sorted(others & {*asked[0].config, *asked[0].content})
    unfit += ["mixup"] * bool(training.mixup) + [training.loss.name] * (training.loss.name in COUPLED)
    if unfit or any(one.task.delivery for one in asked):
        raise ValueError(f"dp_sgd does not go with {(unfit or ['delivery of hard labels'])[0]}")
    clip = float(asked[0].config[asks.EXAMPLE_CLIP])
    sizes = np.array([min(training.batch_size, one.examples) for one in asked])
    noise = np.array([float(one.config[asks.EXAMPLE_NOISE]) for one in asked]) * clip / sizes
    return PrivateSteps(clip, noise, [GaussianNoise(rng) for rng in rngs])


def clipped(one: Told, trained: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], bool]:
    """The update of a client that is asked to clip it, clipped, and whether it was within the bound."""
    start, bound = to_arrays(one.content["arrays"]), float(one.config[asks.UPDATE_CLIP])
    row = np.concatenate([(array - start[name]).ravel() for name, array in trained.items()])
    within = bool(norms(row) <= bound)
    if one.task.secure_sum:  # whose whole numbers may be a little longer than what they stand for
        bound = one.task.secure_sum.before_rounding(bound, row.size)
    return clipped_update(start, trained, bound), within


def clipped_update(
    start: Mapping[str, np.ndarray], trained: Mapping[str, np.ndarray], bound: float
) -> dict[str, np.ndarray]:
    """What a client adds to the global model, clipped over all of it.

    Clients send it by itself: added to the model, rounding would make it longer than the bound.
    """
    update = {name: array - start[name] for name, array in trained.items()}
    whole = clip(np.concatenate([part.ravel() for part in update.values()]), bound)
    ends = np.cumsum([part.size for part in update.values()])
    parts = np.split(whole, ends[:-1])
    return {name: part.reshape(update[name].shape) for name, part in zip(update, parts, strict=True)}


def unsafe(one: Told, sent: Mapping[str, np.ndarray]) -> str | None:
    """Why a client must not send arrays that are promised to be private, in a line; None where it may."""
    for name, array in sent.items():
        if array.dtype != np.float32:
            return f"{name} is {array.dtype}, and privacy is accounted for float32 alone"
        if not np.isfinite(array).all():
            return f"{name} is not finite"
    if asks.UPDATE_CLIP in one.config:
        bound = float(one.config[asks.UPDATE_CLIP])
        norm = float(norms(np.concatenate([array.ravel() for array in sent.values()])))
        if not norm <= bound * (1 + SLACK):
            return f"its update has norm {norm:.6g}, and was to be clipped to {bound:.6g}"
    return None
