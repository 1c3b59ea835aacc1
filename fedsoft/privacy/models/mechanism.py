"""The base of model mechanisms: what is released of training is a clipped sum with Gaussian noise."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from fedsoft.privacy.accounting import AccountantName, Releases
from fedsoft.registry import Options, Registry

Sampling = Literal["fixed", "poisson"]


@dataclass(frozen=True)
class Exposure:
    """What a run's clients take part in, all of it known before the run.

    Attributes:
        sizes: (clients,) training examples of each; clients without any take no part.
        taken: (clients,) in how many rounds' cohorts each is.
        rounds: rounds of the run.
        rate: share of the clients in each round's cohort, or the probability of being in it.
        sampling: whether cohorts have a fixed size, or each client is in them by a coin of its own.
        batch_size: examples of a local step.
        epochs: local passes a round.
    """

    sizes: np.ndarray
    taken: np.ndarray
    rounds: int
    rate: float
    sampling: Sampling
    batch_size: int
    epochs: int

    @property
    def clients(self) -> int:
        """How many hold examples."""
        return int((self.sizes > 0).sum())

    @property
    def cohort(self) -> float:
        """The size of a cohort, or its expectation."""
        if self.sampling == "poisson":
            return self.rate * self.clients
        return min(self.clients, max(1, round(self.rate * self.clients)))


class ModelMechanism(Options):
    """Differential privacy of what training releases of clients' data.

    Class attributes:
        unit: what is protected: a client, with all that it holds, or an example.
    """

    unit: ClassVar[Literal["client", "example"]]

    noise: float | None = Field(
        None, gt=0, description="noise multiplier z: the noise's standard deviation is z times the clip norm"
    )
    epsilon: float | None = Field(
        None,
        ge=1e-6,
        allow_inf_nan=True,
        description="or the privacy loss ε of a unit that z is chosen for; infinity is no privacy",
    )
    clip: float = Field(1.0, gt=0, le=1e6, description="longest norm of what one unit adds to a sum")
    accountant: AccountantName | None = Field(
        None, description="`rdp` or `pld`; by default what fits: `pld` where sampling is Poisson, else `rdp`"
    )

    @model_validator(mode="before")
    @classmethod
    def _says_how_to_be_off(cls, given: dict[str, object]) -> dict[str, object]:
        if isinstance(given, dict) and given.get("noise") == 0:
            raise ValueError(
                "noise = 0 protects nothing; to switch it off, leave privacy.model out, or set epsilon = inf "
                "in place of noise"
            )
        return given

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.noise is None) == (self.epsilon is None):
            raise ValueError("takes one of `noise`, a multiplier, and `epsilon`, what the run may spend")
        return self

    @property
    def off(self) -> bool:
        """Whether ε is infinite, which switches it off."""
        return self.epsilon is not None and math.isinf(self.epsilon)

    @abstractmethod
    def releases(self, exposure: Exposure) -> dict[Releases, int]:
        """What units take part in, each with how many clients it is so for."""

    @abstractmethod
    def protected(self, exposure: Exposure) -> int:
        """How many units there are, of which δ must be less than one."""


MODEL_MECHANISMS = Registry("model mechanism", ModelMechanism)  # type: ignore[type-abstract]
