"""The base of strategies: our options, Flower's objects."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from fedsoft.registry import Options, Registry

if TYPE_CHECKING:
    from flwr.serverapp import strategy

    from fedsoft.federation import at_server
    from fedsoft.training import Training

Strategy: TypeAlias = "strategy.Strategy"
"""Flower's, by name: study files are checked without importing Flower, which takes long."""
AtServer: TypeAlias = "at_server.AtServer"
"""By name, for the same reason."""


class StrategyOptions(Options):
    """What the server does with client updates.

    Class attributes:
        needs: what the server must have or be told besides models and example counts, in words.
        needs_examples: the server must hold unlabelled examples.
    """

    needs: ClassVar[str] = "nothing"
    needs_examples: ClassVar[bool] = False

    @abstractmethod
    def build(self, at: AtServer) -> Strategy:
        """A fresh strategy of Flower's, for a server that knows so much."""

    def check_training(self, training: "Training") -> None:
        """Refuse local training that the strategy does not fit.

        Raises:
            ValueError: with the cause and the mend; by default never.
        """

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
