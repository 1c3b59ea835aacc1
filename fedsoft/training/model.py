"""The base of models: K parameter sets at once, each tensor with a leading client dimension."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from fedsoft.registry import Options, Registry
from fedsoft.training.losses import Objective
from fedsoft.training.precision import compute_in

compute_in("float32", "cpu")  # by torch's own default, a card's convolutions would not

Parameters = dict[str, Tensor]

LARGEST = 2**24
"""Numbers that the gradients of single examples may be at a time: 64 MiB."""


class Model(Options):
    """A classifier, as functions of its parameters.

    A model has neither buffers nor dropout, so its parameters are all that a client sends.
    """

    @abstractmethod
    def shapes(self, inputs: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter, for one input of shape ``inputs`` (features, or channels × H × W)."""

    @abstractmethod
    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, …) -> logits (K, B, C)."""

    def features(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Arguments of `forward` -> what the last layer sees (K, B, D); the logits where nobody knows."""
        return self.forward(parameters, x)

    def initial(
        self, inputs: tuple[int, ...], classes: int, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Initial parameters, float32: uniform in ±1/sqrt(fan-in), as torch's own layers; gains are 1."""
        arrays, fan_in = {}, 1
        for name, shape in self.shapes(inputs, classes).items():
            if name.endswith("gain"):
                arrays[name] = np.ones(shape, dtype=np.float32)
                continue
            if len(shape) > 1:
                fan_in = int(np.prod(shape[1:]))
            bound = 1 / np.sqrt(fan_in)
            drawn = rng.uniform(-bound, bound, shape if len(shape) > 2 else shape[::-1]).astype(np.float32)
            arrays[name] = drawn if len(shape) > 2 else np.ascontiguousarray(drawn.T)
        return arrays

    def files(self) -> dict[str, str]:
        """The user's files that building it takes, by path, for processes elsewhere: see `give_files`."""
        return {}

    def gradients(
        self, parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor, weights: Tensor, loss: Objective
    ) -> tuple[Parameters, Tensor]:
        """Gradient of each of K models on its own batch, and their losses.

        Args:
            parameters: (K, …) each.
            x: (K, B, …) inputs.
            targets: (K, B, C) rows that sum to 1; entries may be negative.
            weights: (K, B) weight of each example in its batch's mean; 0 masks padding.
            loss: what to minimise.

        Returns:
            gradients (K, …) of the loss, and the loss (K,).
        """
        leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        with torch.enable_grad():
            value = loss.value(self.forward(leaves, x), targets, weights)
            gradients = torch.autograd.grad(value.sum(), list(leaves.values()), materialize_grads=True)
        return dict(zip(leaves, gradients, strict=True)), value.detach()

    def accumulate(
        self,
        parameters: Mapping[str, Tensor],
        x: Tensor,
        targets: Tensor,
        weights: Tensor,
        loss: Objective,
        into: Mapping[str, Tensor],
        keep: float,
        scale: float,
    ) -> Tensor:
        """``into`` ← keep · ``into`` + scale · gradient, in place; it may be the parameters themselves.

        Args: otherwise as of `gradients`.

        Returns:
            the loss (K,) at the parameters as they were.
        """
        gradients, value = self.gradients(parameters, x, targets, weights, loss)
        for name, gradient in gradients.items():
            into[name].mul_(keep).add_(gradient, alpha=scale)
        return value

    def accumulate_clipped(
        self,
        parameters: Mapping[str, Tensor],
        x: Tensor,
        targets: Tensor,
        weights: Tensor,
        loss: Objective,
        into: Mapping[str, Tensor],
        keep: float,
        scale: float,
        clip: float,
    ) -> Tensor:
        """`accumulate`, with the gradient of each example clipped by itself before it is weighed and summed.

        Abadi et al. 2016, arXiv:1607.00133, Algorithm 1; the norm is over all parameters.

        Args: as of `accumulate`, and
            loss: one whose value is the weighted sum of values of single examples.
            clip: longest norm of an example's gradient.

        Returns:
            the loss (K,) at the parameters as they were.
        """
        value, parts = torch.zeros(len(x), device=x.device), max(1, LARGEST // _numbers(parameters, x))
        for chunk in torch.arange(len(x)).split(parts):
            some = slice(int(chunk[0]), int(chunk[-1]) + 1)
            own = {name: parameter[some] for name, parameter in parameters.items()}
            gradients, values = self.example_gradients(own, x[some], targets[some], loss)
            flat = {name: gradient.reshape(*x[some].shape[:2], -1) for name, gradient in gradients.items()}
            squares = sum(gradient.square().sum(-1) for gradient in flat.values())
            assert isinstance(squares, Tensor)
            factor = weights[some] * clip_factor(squares, clip)
            value[some] = (values * weights[some]).sum(1)
            for name, gradient in flat.items():
                summed = torch.bmm(factor.unsqueeze(1), gradient).reshape(own[name].shape)
                into[name][some].mul_(keep).add_(summed, alpha=scale)
        return value

    def example_gradients(
        self, parameters: Mapping[str, Tensor], x: Tensor, targets: Tensor, loss: Objective
    ) -> tuple[Parameters, Tensor]:
        """The gradient (K, B, …) of each example of K models' batches, and its loss (K, B).

        Args: as of `gradients`.
        """

        def one(own: Parameters, example: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
            alone = {name: value.unsqueeze(0) for name, value in own.items()}
            logits = self.forward(alone, example[None, None])
            value = loss.value(logits, target[None, None], logits.new_ones(1, 1)).sum()
            return value, value

        each = vmap(vmap(grad(one, has_aux=True), in_dims=(None, 0, 0)))
        found: tuple[Parameters, Tensor] = each(dict(parameters), x, targets)
        return found


def clip_factor(squares: Tensor, bound: Tensor | float) -> Tensor:
    """min(1, bound / norm) of squared norms (…,); any in [0, 1] for a norm of 0."""
    return (bound / squares.sqrt().clamp_min(torch.finfo(squares.dtype).tiny)).clamp_max(1)


def _numbers(parameters: Mapping[str, Tensor], x: Tensor) -> int:
    """How many numbers the gradients of one model's batch are."""
    return x.shape[1] * sum(value[0].numel() for value in parameters.values())


def in_parts(parameters: Mapping[str, Tensor], size: int) -> Iterator[Parameters]:
    """Parameters (K, …) of so many models at a time."""
    for some in zip(*(value.split(size) for value in parameters.values()), strict=True):
        yield dict(zip(parameters, some, strict=True))


MODELS = Registry("model", Model)  # type: ignore[type-abstract]


def as_batch(x: Tensor) -> Tensor:
    """Inputs as floats: uint8 pixels become float32 in [-1, 1], features stay as they are."""
    return x.float() / 127.5 - 1 if x.dtype == torch.uint8 else x
