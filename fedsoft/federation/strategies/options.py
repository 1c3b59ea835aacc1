"""The base of strategies: our options, Flower's objects."""

from typing import Any

from flwr.serverapp.strategy import Strategy

from fedsoft.registry import Options, Registry


class StrategyOptions(Options):
    """What the server does with client updates."""

    def build(self) -> Strategy:
        """A fresh strategy of Flower's."""
        raise TypeError(f"{type(self).__name__} builds no strategy")


STRATEGIES = Registry("strategy", StrategyOptions)

WHOLE_COHORT: dict[str, Any] = {
    "fraction_train": 1.0,
    "min_train_nodes": 1,
    "min_evaluate_nodes": 1,
    "min_available_nodes": 1,
}
"""The grid draws the cohort; Flower's own sampling then takes all that it sees."""
