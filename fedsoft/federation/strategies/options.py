"""The base of strategies: our options, Flower's objects."""

from abc import abstractmethod
from typing import Any

from flwr.serverapp.strategy import Strategy

from fedsoft.registry import Options, Registry


class StrategyOptions(Options):
    """What the server does with client updates."""

    @abstractmethod
    def build(self) -> Strategy:
        """A fresh strategy of Flower's."""

    def check_cohort(self, size: int) -> None:
        """Refuse cohorts of so many clients on which the strategy cannot do what it is for.

        Raises:
            ValueError: with the cause and the mend; by default never.
        """


STRATEGIES = Registry("strategy", StrategyOptions)  # type: ignore[type-abstract]

WHOLE_COHORT: dict[str, Any] = {
    "fraction_train": 1.0,
    "fraction_evaluate": 0.0,
    "min_train_nodes": 1,
    "min_available_nodes": 1,
}
"""The grid draws the cohort, and Flower's own sampling takes all that it sees. The server evaluates."""
