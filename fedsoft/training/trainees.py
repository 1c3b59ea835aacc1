"""K models in training, and the step that all of them take at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Self

import torch
from torch import Tensor

from fedsoft.training.augmentation import augment
from fedsoft.training.guidance import Confused, Guidance
from fedsoft.training.losses import Objective
from fedsoft.training.mixup import mix
from fedsoft.training.model import Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.private import StackedNoise, accumulate_private


@dataclass(frozen=True)
class Data:
    """What batches are rows of.

    Attributes:
        inputs: (N, …).
        targets: (T, C).
        padding: pixels (rows, columns) around images that are cut out at random; None where none are.
    """

    inputs: Tensor
    targets: Tensor
    padding: tuple[int, int] | None


class Trainees:
    """K models in training, those that train longest first.

    Attributes:
        losses: (K,) sums of losses over the steps so far.
    """

    def __init__(
        self,
        model: Model,
        data: Data,
        options: Training,
        lr: float,
        parameters: Parameters,
        guidance: Guidance,
        client: Tensor,
        noise: tuple[StackedNoise, float] | None,
    ) -> None:
        """Before the first step.

        Args:
            model: the model.
            data: what batches are rows of.
            options: loss, momentum and weight decay.
            lr: learning rate.
            parameters: (K, …), which change with each step.
            guidance: what the server asks, of clients in their caller's order.
            client: (K,) place of each model's client in it.
            noise: that of private steps, and the norm that gradients are clipped to.
        """
        self._model, self._data, self._options, self._lr, self._noise = model, data, options, lr, noise
        self._mu, self._calibration = guidance.proximal_mu, guidance.calibration
        self._parameters = parameters
        from_home = self._mu or self._calibration is not None
        self._home = {name: value.clone() for name, value in parameters.items()} if from_home else {}
        moves = parameters if options.momentum else {}
        self._velocity = {name: torch.zeros_like(value) for name, value in moves.items()}
        self._added = {n: value.index_select(0, client) for n, value in (guidance.correction or {}).items()}
        self._loss: Objective = options.loss
        self._confusion: Tensor | None = None
        if guidance.confusion is not None:
            self._confusion = guidance.confusion.index_select(0, client)
            self._loss = Confused(options.loss, self._confusion)
        self.losses = torch.zeros(len(client), device=client.device)

    def first(self, k: int) -> Self:
        """The first k models, which train on."""
        if k == len(self.losses):
            return self
        some = object.__new__(type(self))
        some.__dict__.update(self.__dict__)
        for name in ("_parameters", "_home", "_velocity", "_added"):
            setattr(some, name, {key: value[:k] for key, value in getattr(self, name).items()})
        some.losses = self.losses[:k]
        if self._confusion is not None:
            some._loss = Confused(self._options.loss, self._confusion[:k])
        return some

    def step(self, batch: Mapping[str, Tensor], number: int) -> None:
        """A step of each model on its own batch.

        Args:
            batch: ``rows`` and ``targets`` (K, B) of the data, the latter where they are others, ``weights``
                (K, B), and what augmentation (``corner``, ``flip``) and mixup (``partner``, ``share``) take.
            number: of the step, which its noise depends on.
        """
        x = _take(self._data.inputs, batch["rows"])
        wanted = _take(self._data.targets, batch.get("targets", batch["rows"]))
        if self._data.padding is not None:
            x = augment(x, self._data.padding, batch["corner"], batch["flip"])
        if "partner" in batch:
            x, wanted = mix(x, wanted, batch["partner"], batch["share"])
        now, moving, lr, loss = self._parameters, self._velocity, self._lr, self._loss
        if self._calibration is not None:
            loss = self._calibration.added_to(loss, self._model, now, self._home, x)
        accumulate = self._model.accumulate
        if self._noise is not None:
            noise, clip = self._noise
            drawn = noise.of(number, len(x))
            accumulate = partial(accumulate_private, self._model, clip=clip, noise=drawn)
        about = now, x, wanted, batch["weights"], loss
        pull = self._options.weight_decay + self._mu
        if not moving:
            self.losses += accumulate(*about, into=now, keep=1 - lr * pull, scale=-lr)
            if self._mu:
                for name, value in now.items():
                    value.add_(self._home[name], alpha=lr * self._mu)
            for name, value in self._added.items():
                now[name].sub_(value, alpha=lr)
            return
        self.losses += accumulate(*about, into=moving, keep=self._options.momentum, scale=1)
        for name, value in now.items():
            if self._added:
                moving[name].add_(self._added[name])
            if pull:
                moving[name].add_(value, alpha=pull)
            if self._mu:
                moving[name].sub_(self._home[name], alpha=self._mu)
            value.sub_(moving[name], alpha=lr)


def _take(table: Tensor, rows: Tensor) -> Tensor:
    """Rows (K, B) of a table (N, …) -> (K, B, …); on a CPU several times faster than by indexing."""
    return table.index_select(0, rows.flatten()).view(*rows.shape, *table.shape[1:])
