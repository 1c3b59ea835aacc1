"""A strategy's state as plain arrays and JSON, and back."""

from typing import Any

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp.strategy import Strategy

from fedsoft.federation.direct import on_host
from fedsoft.federation.records import to_record


def strategy_state(strategy: Strategy) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Everything that a strategy carries from round to round.

    Returns:
        arrays by a path such as ``m_t/layer0.weight``, and for each attribute its kind: ``record``,
        ``dict``, ``list`` or ``array`` for those with arrays, ``strategy`` for one that is wrapped, ``value``
        with the value for the rest.

    Raises:
        TypeError: an attribute is of a kind that could not be restored.
    """
    arrays: dict[str, np.ndarray] = {}
    kinds: dict[str, Any] = {}
    on_host(strategy)
    for name, value in vars(strategy).items():
        if isinstance(value, Strategy):
            inside, state = strategy_state(value)
            kinds[name] = {"kind": "strategy", "state": state}
            arrays |= {f"{name}/{key}": array for key, array in inside.items()}
        elif isinstance(value, ArrayRecord):
            kinds[name] = {"kind": "record", "keys": list(value)}
            arrays |= {f"{name}/{key}": array.numpy() for key, array in value.items()}
        elif isinstance(value, dict) and all(isinstance(item, np.ndarray) for item in value.values()):
            kinds[name] = {"kind": "dict", "keys": list(value)}
            arrays |= {f"{name}/{key}": item for key, item in value.items()}
        elif isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value):
            kinds[name] = {"kind": "list", "keys": [str(i) for i in range(len(value))]}
            arrays |= {f"{name}/{i}": item for i, item in enumerate(value)}
        elif isinstance(value, np.ndarray):
            kinds[name] = {"kind": "array"}
            arrays[name] = value
        elif value is None or isinstance(value, bool | int | float | str):
            kinds[name] = {"kind": "value", "value": value}
        elif callable(value):
            continue
        else:
            raise TypeError(
                f"{type(strategy).__name__}.{name} is a {type(value).__name__}, not a state to save"
            )
    return arrays, kinds


def restore_strategy(strategy: Strategy, arrays: dict[str, np.ndarray], kinds: dict[str, Any]) -> None:
    """Give a fresh strategy the state that another one had."""
    for name, kind in kinds.items():
        match kind["kind"]:
            case "strategy":
                value: Any = getattr(strategy, name)
                start = f"{name}/"
                inside = {key[len(start) :]: arrays[key] for key in arrays if key.startswith(start)}
                restore_strategy(value, inside, kind["state"])
            case "record":
                value = to_record({key: arrays[f"{name}/{key}"] for key in kind["keys"]})
            case "dict":
                value = {key: arrays[f"{name}/{key}"] for key in kind["keys"]}
            case "list":
                value = [arrays[f"{name}/{key}"] for key in kind["keys"]]
            case "array":
                value = arrays[name]
            case _:
                value = kind["value"]
        setattr(strategy, name, value)
