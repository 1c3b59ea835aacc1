"""The base of strategies: our options, Flower's objects."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from pydantic import Field, PrivateAttr

from fedsoft.registry import Options, Registry
from fedsoft.training import Training, changes_of

if TYPE_CHECKING:
    from flwr.serverapp import strategy

    from fedsoft.federation import at_server

Strategy: TypeAlias = "strategy.Strategy"
"""Flower's, by name: study files are checked without importing Flower, which takes long."""
AtServer: TypeAlias = "at_server.AtServer"
"""By name, for the same reason."""


class StrategyOptions(Options):
    """What the server does with client updates, and what training under it does unlike the study's.

    Class attributes:
        needs: what the server must have or be told besides models and example counts, in a few words.
        needs_examples: the server must hold unlabelled examples.
        of_means: it sees no more of clients than the mean of their models and metrics, weighted by examples.
        couples_examples: it adds to clients' loss what is of a batch as a whole.
    """

    needs: ClassVar[str] = "nothing"
    needs_examples: ClassVar[bool] = False
    of_means: ClassVar[bool] = False
    couples_examples: ClassVar[bool] = False
    not_in_label: ClassVar[frozenset[str]] = frozenset({"training"})

    training: Training = Field(
        Training(), exclude=True, description="any keys of [training], where they differ from it under this"
    )
    _spells_training: bool = PrivateAttr(False)

    def dump(self) -> dict[str, Any]:
        """Name and options, and training where it differs: one that sets nothing leaves runs' keys alone."""
        changes = self.training.model_dump(exclude_unset=True)
        return super().dump() | ({"training": changes} if changes else {})

    def label(self) -> str:
        """As of any choice; what training does unlike the study's only where that tells two apart."""
        return " + ".join([super().label(), *(changes_of(self.training) if self._spells_training else [])])

    def spelled_out(self) -> Self:
        """The same, with a label that tells what training does unlike the study's."""
        spelled = self.model_copy()
        spelled._spells_training = True
        return spelled

    @abstractmethod
    def build(self, at: AtServer) -> Strategy:
        """A fresh strategy of Flower's, for a server that knows so much."""

    def check_training(self, training: Training) -> None:
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


def told_apart(strategies: Sequence[StrategyOptions]) -> tuple[StrategyOptions, ...]:
    """The same strategies; those that only their training tells from another have it in their labels."""
    names = [strategy.label() for strategy in strategies]
    return tuple(
        one.spelled_out() if names.count(name) > 1 else one
        for one, name in zip(strategies, names, strict=True)
    )
