"""What clients do for privacy before anything leaves them, and refuse to send otherwise."""

from collections.abc import Mapping

import numpy as np

from fedsoft.federation import asks
from fedsoft.federation.asked import Asked
from fedsoft.privacy.models import clip, norms

SLACK = 1e-6
"""How much longer than the bound, relatively, a clipped update may be by rounding."""


def private_of(one: Asked) -> bool:
    """Whether what a client sends is promised to be private."""
    return asks.UPDATE_CLIP in one.config or asks.EXAMPLE_CLIP in one.config


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


def unsafe(one: Asked, sent: Mapping[str, np.ndarray]) -> str | None:
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
