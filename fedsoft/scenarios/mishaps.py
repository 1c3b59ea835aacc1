"""What goes wrong with clients while a run is on."""

from enum import IntEnum
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator


class Fate(IntEnum):
    """How a client fares in a round."""

    WELL = 0
    DROPPED = 1
    LATE = 2
    FAILING = 3


class Mishaps(BaseModel):
    """Clients that drop out, are late or fail, by chance, anew in every round."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dropped: float = Field(
        0.0, ge=0, le=1, description="probability that a client of the cohort is gone: it gets no model"
    )
    late: float = Field(
        0.0, ge=0, le=1, description="that its update comes after the round has closed, and is lost"
    )
    failing: float = Field(0.0, ge=0, le=1, description="that it fails while it trains")
    seldom: float = Field(
        0.0, ge=0, le=1, description="share of the clients, chosen once, that are there in few rounds"
    )
    seldom_there: float = Field(
        0.2, ge=0, le=1, description="probability that one of these is there in a round; else it is dropped"
    )

    @property
    def none(self) -> bool:
        """Whether nothing can go wrong."""
        return not (self.dropped or self.late or self.failing or self.seldom)

    @model_validator(mode="after")
    def _probabilities(self) -> Self:
        if self.dropped + self.late + self.failing > 1:
            raise ValueError("dropped, late and failing are probabilities of one round, and in sum above 1")
        return self

    def seldom_clients(self, clients: int, rng: np.random.Generator) -> np.ndarray:
        """(clients,) whether a client is one of those that are there in few rounds."""
        return rng.permutation(clients) < round(self.seldom * clients)

    def fates(self, seldom: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(clients,) the `Fate` of each client in a round, given who is there seldom (clients,)."""
        chance, there = rng.random((2, len(seldom)))
        ends = np.cumsum([self.dropped, self.late, self.failing])
        named = np.array([Fate.DROPPED, Fate.LATE, Fate.FAILING, Fate.WELL])
        fates: np.ndarray = named[np.searchsorted(ends, chance, side="right")]
        fates[seldom & (there >= self.seldom_there)] = Fate.DROPPED
        return fates
