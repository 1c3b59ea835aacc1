"""Clients whose examples overlap: as many as one likes, from a dataset of any size."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.errors import StudyFileError
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import PARTITIONS, Partition

AT_ONCE = 4_000_000
"""Random numbers held at a time, whatever the number of clients."""
RAREST = 1e-9
"""Least share of a class, so that a client can hold more examples than its likely classes have."""


@PARTITIONS("overlapping")
class Overlapping(Partition):
    """Every client draws its examples from all, none of them twice; clients' draws overlap.

    An example that several clients hold is annotated for each of them anew. A tenth of all is kept from
    all clients for validation.
    """

    overlaps: ClassVar[bool] = True

    examples: int = Field(20, ge=1, description="training examples of each client")
    alpha: float | None = Field(
        None,
        gt=0,
        description="label skew: class shares of each client from Dirichlet(alpha); else none",
    )

    def views(self, known: Known, clients: int, rng: np.random.Generator) -> Clients:
        """Draws without replacement, example by example with the weight of its class.

        Raises:
            StudyFileError: there are fewer examples than each client holds.
        """
        if len(known) < self.examples:
            raise StudyFileError(
                f"partition 'overlapping' gives each client {self.examples} examples, and there are "
                f"{len(known)}; lower scenario.partition.examples."
            )
        rows = np.empty((clients, self.examples), dtype=np.int64)
        step = max(1, AT_ONCE // len(known))
        for start in range(0, clients, step):
            part = rows[start : start + step]
            # The first arrivals of exponential clocks are a weighted draw without replacement (Efraimidis and
            # Spirakis 2006).
            clocks = rng.standard_exponential((len(part), len(known)), dtype=np.float32)
            if self.alpha is not None:
                clocks /= self._weights(known.labels, len(part), rng)
            part[:] = np.sort(np.argpartition(clocks, self.examples - 1)[:, : self.examples])
        return Clients(rows.ravel(), self.examples * np.arange(clients + 1))

    def _weights(self, labels: np.ndarray, clients: int, rng: np.random.Generator) -> np.ndarray:
        """(clients, N) weight of each example: its class's share, evenly over the examples of the class."""
        _, place, count = np.unique(labels, return_inverse=True, return_counts=True)
        shares = rng.dirichlet(np.full(len(count), self.alpha), clients).clip(RAREST) / count
        weights: np.ndarray = shares.astype(np.float32)[:, place]
        return weights
