"""What the clients of one run train on."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from torch import Tensor

from fedsoft.privacy import SecureSum
from fedsoft.scenarios import Clients, Mishaps
from fedsoft.streams import stream
from fedsoft.training import Deliveries, Model, Training


@dataclass(frozen=True)
class Task:
    """One run, as its clients see it; the same object in every process that executes some of them.

    Attributes:
        run: key of the run.
        seed: governs initial weights, cohorts and batch orders, which sources and strategies share.
        model: the model.
        training: options of the local update.
        participation: share of the non-empty clients in each cohort, or the probability of being in it.
        inputs: (N, …) inputs of the whole dataset.
        targets: (T, C) table of targets; NaN where an example must not be trained on.
        train: the rows that each client trains on.
        places: (M,) row of ``targets`` for each entry of ``train.rows``, where clients who share examples
            have targets of their own; None where each entry's target stands at its dataset row.
        delivery: which clients' targets reach them as hard labels, and by which rules; None where none do.
        mishaps: what goes wrong with clients.
        enough: least share of a cohort whose updates must arrive.
        secure_sum: how clients' updates are summed under masks; None where the server sees each.
        unlabelled: (U,) dataset rows whose inputs, not labels, the server holds.
        sampling: whether cohorts have one size, or each client is in them by a coin of its own.
    """

    run: str
    seed: int
    model: Model
    training: Training
    participation: float
    inputs: Tensor
    targets: Tensor
    train: Clients
    places: np.ndarray | None = None
    delivery: Deliveries | None = None
    mishaps: Mishaps = field(default_factory=Mishaps)
    enough: float = 0.5
    secure_sum: SecureSum | None = None
    unlabelled: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sampling: Literal["fixed", "poisson"] = "fixed"
    occupied: np.ndarray = field(init=False)
    _fates: dict[tuple[int, int], np.ndarray] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "occupied", np.flatnonzero(self.train.sizes))

    def initial(self) -> dict[str, np.ndarray]:
        """Initial parameters."""
        shape, classes = tuple(self.inputs.shape[1:]), self.targets.shape[1]
        return self.model.initial(shape, classes, stream("initial weights", seed=self.seed))

    @cached_property
    def dealt(self) -> bytes:
        """A digest of who holds which examples, the same for runs whose clients hold the same."""
        parts = self.train.rows, self.train.offsets
        return hashlib.blake2b(b"".join(part.tobytes() for part in parts), digest_size=16).digest()

    def trains_as(self, other: "Task") -> bool:
        """Whether clients of both train by the same arithmetic on the same inputs, if told the same."""
        return (
            self.inputs is other.inputs
            and self.model == other.model
            and self.training == other.training
            and self.targets.shape[1] == other.targets.shape[1]
        )

    def cohort(self, server_round: int) -> list[int]:
        """The clients of a round, ascending: drawn among those that hold examples; nobody, by chance, where
        each is in it by a coin of its own."""
        size = min(len(self.occupied), max(1, round(self.participation * len(self.occupied))))
        if self.sampling == "fixed" and size == len(self.occupied):
            everybody: list[int] = self.occupied.tolist()
            return everybody
        rng = stream("cohort", seed=self.seed, round=server_round)
        if self.sampling == "poisson":
            # One coin for each client, so that who is in does not depend on who else holds examples.
            there = rng.random(len(self.train)) < self.participation
            return self.occupied[there[self.occupied]].tolist()
        return sorted(rng.choice(self.occupied, size, replace=False).tolist())

    def fates(self, server_round: int, attempt: int = 0) -> np.ndarray | None:
        """(clients,) how each client would fare in a round, a `Fate`; None where nothing can go wrong.

        A round that could not be done, and is tried again, has other fates.
        """
        if self.mishaps.none:
            return None
        which = server_round, attempt
        if which not in self._fates:  # every client asks
            self._fates.clear()
            seldom = self.mishaps.seldom_clients(len(self.train), stream("seldom clients", seed=self.seed))
            again = {"attempt": attempt} if attempt else {}
            rng = stream("mishaps", seed=self.seed, round=server_round, **again)
            self._fates[which] = self.mishaps.fates(seldom, rng)
        return self._fates[which]

    def delivered(self, client: int, server_round: int) -> np.ndarray:
        """Where the targets of a client's examples stand in each local epoch of a round.

        Epochs are counted by the server's rounds, whether or not the client took part in those before.

        Returns:
            (epochs, examples) rows of ``targets``, or, for a hard label, its class plus their number.
        """
        places = self.train.rows if self.places is None else self.places
        rows, epochs = places[self.train.span(client)], self.training.epochs
        rule = self.delivery.of(client) if self.delivery else None
        if rule is None:
            return np.broadcast_to(rows, (epochs, len(rows)))
        classes = [
            rule.classes(
                rows,
                (server_round - 1) * epochs + epoch,
                stream("delivery", seed=self.seed, client=client, round=server_round, epoch=epoch),
            )
            for epoch in range(epochs)
        ]
        return len(self.targets) + np.stack(classes)
