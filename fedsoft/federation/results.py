"""What comes of a round, and of what is lost in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from flwr.app import Error
from torch import Tensor

from fedsoft.federation.codes import FAILING, NOT_FINITE
from fedsoft.federation.exchange import RoundError
from fedsoft.training import Parameters


@dataclass(frozen=True)
class Failure:
    """A client whose update was lost because it raised, or failed by chance.

    Attributes:
        number: the round.
        client: its partition.
        cause: in a line.
        chance: whether the scenario let it fail.
    """

    number: int
    client: int
    cause: str
    chance: bool


@dataclass(frozen=True)
class RoundResult:
    """The state after a round.

    Attributes:
        number: the round, from 1; 0 is the initial model.
        model: parameters of the global model, as arrays or, where it was made in this process, as tensors.
        train_loss: mean loss of the cohort, weighted by examples; NaN where nobody trained.
        cohort: number of clients whose updates were used.
        dropped: number of clients of the cohort that got no model.
        late: number of those whose updates came too late.
        failures: those that failed.
        sent: bytes of arrays that crossed the network, both ways.
    """

    number: int
    model: Mapping[str, np.ndarray | Tensor]
    train_loss: float
    cohort: int
    dropped: int = 0
    late: int = 0
    failures: tuple[Failure, ...] = ()
    sent: int = 0

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """The global model on the host; whoever changes it must copy it first."""
        return {n: a.cpu().numpy() if isinstance(a, Tensor) else a for n, a in self.model.items()}

    def apart(self) -> "RoundResult":
        """The same in memory of its own: models of many runs share theirs, which all of them would keep."""
        return replace(
            self, model={n: a.clone() if isinstance(a, Tensor) else a for n, a in self.model.items()}
        )

    def parameters(self, device: torch.device) -> Parameters:
        """The global model on a device, which nobody changes either."""
        return {name: torch.as_tensor(value, device=device) for name, value in self.model.items()}


def failure_of(number: int, partition: int, error: Error) -> Failure:
    """A client that is lost to a round."""
    cause = (error.reason or "no reason given").partition("\n")[0]
    return Failure(number, partition, cause, error.code == FAILING)


def raise_for(number: int, lost: Sequence[tuple[int, Error]], size: int) -> None:
    """End the run if clients raised; the first of them is named."""
    raised = [(partition, error) for partition, error in lost if error.code != FAILING]
    if not raised:
        return
    partition, error = raised[0]
    cause, _, detail = (error.reason or "no reason given").partition("\n")
    if error.code == NOT_FINITE:
        raise diverged(number, cause.removesuffix(" is not finite"), partition)
    others = f" ({len(raised)} of {size} clients failed)" if len(raised) > 1 else ""
    raise RoundError(
        f"client {partition} failed in round {number}: {cause}{others}", number, partition, detail
    )


def diverged(number: int, what: str, client: int | None = None) -> RoundError:
    """The error of a round after which something is not finite."""
    where = "" if client is None else f", at client {client}"
    return RoundError(
        f"training diverged in round {number}{where}: {what} is not finite; lower training.lr or the "
        "strategy's server step.",
        number,
        client,
    )
