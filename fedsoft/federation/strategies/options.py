"""The base of strategies: our options, Flower's objects."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, TypeAlias

from fedsoft.registry import Options, Registry

if TYPE_CHECKING:
    from flwr.serverapp import strategy

Strategy: TypeAlias = "strategy.Strategy"
"""Flower's, by name: study files are checked without importing Flower, which takes long."""


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


def flower(name: str, **options: Any) -> Strategy:
    """The strategy that Flower has under a name, for whole cohorts."""
    from flwr.serverapp import strategy

    built: Strategy = getattr(strategy, name)(**options, **WHOLE_COHORT)
    return built
