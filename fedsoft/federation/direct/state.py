"""What strategies keep from round to round, gathered from Flower's objects and given back."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from flwr.serverapp.strategy import Strategy
from torch import Tensor

from fedsoft.training import Parameters


def gathered(strategies: Sequence[Strategy], attribute: str, like: Parameters) -> Parameters:
    """(R, …) an attribute of R strategies, a dictionary or a list of arrays; 0 where one has none yet."""
    found = [_named(getattr(one, attribute), like) for one in strategies]
    return {
        name: torch.stack([value.new_zeros(value.shape[1:]) if own is None else own[name] for own in found])
        for name, value in like.items()
    }


def kept(strategies: Sequence[Strategy], attribute: str, values: Parameters, listed: bool = False) -> None:
    """Give each of R strategies its part of (R, …) values: numpy's where they are on a processor.

    What Flower's optimizers take for the global model is what a round starts from; an older one, left by
    messages, must not outlive it.
    """
    for r, one in enumerate(strategies):
        own = {name: value[r] if value.is_cuda else value[r].numpy() for name, value in values.items()}
        setattr(one, attribute, list(own.values()) if listed else own)
        one.current_arrays = None


def on_host(strategy: Strategy) -> None:
    """Bring the state of a strategy to the host, before Flower calculates with it."""
    for name, value in vars(strategy).items():
        if isinstance(value, dict):
            setattr(strategy, name, {key: _numpy(part) for key, part in value.items()})
        elif isinstance(value, list):
            setattr(strategy, name, [_numpy(part) for part in value])


def _numpy(part: Any) -> Any:
    return part.cpu().numpy() if isinstance(part, Tensor) else part


def _named(value: Any, like: Mapping[str, Tensor]) -> Parameters | None:
    if not value:
        return None
    parts = value if isinstance(value, dict) else dict(zip(like, value, strict=True))
    return {name: torch.as_tensor(part, device=like[name].device) for name, part in parts.items()}
