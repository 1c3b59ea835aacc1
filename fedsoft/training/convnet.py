"""What convolutional nets have in common: K models are one program on images with all models' channels."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from fedsoft.training.model import Model, Parameters, as_batch, in_parts

CACHED = 2**18
"""Numbers in the activations of one layer, up to which stacking models on a CPU pays: 1 MiB of float32."""


class ConvNet(Model):
    """Layers of convolution and group normalisation, then a linear layer on the mean over pixels.

    Group instead of batch normalisation (Wu & He 2018, arXiv:1803.08494): see the nets' own docstrings.
    """

    @abstractmethod
    def layers(self, parameters: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """Parameters (K, …), images (B, K · channels, H, W) -> the last activations (B, K · D, …, …)."""

    @abstractmethod
    def widest(self) -> float:
        """Numbers in the largest activations of a layer, for each pixel of the input."""

    def forward(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, channels, H, W) -> logits (K, B, C).

        Several models are one tensor program: all of them on a GPU; on a CPU as many as its cache holds,
        since more are slower than one after the other.
        """
        return torch.cat([self._logits(stack, part) for stack, part in self._stacks(parameters, x)])

    def features(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """The means of the last activations' channels (K, B, D)."""
        return torch.cat([self._means(stack, part) for stack, part in self._stacks(parameters, x)])

    def _stacks(self, parameters: Mapping[str, Tensor], x: Tensor) -> Iterator[tuple[Parameters, Tensor]]:
        """As many models and their inputs at a time as are best computed together."""
        some = len(x) if x.device.type == "cuda" else self._in_cache(x)
        yield from zip(in_parts(parameters, some), x.split(some), strict=True)

    def _in_cache(self, x: Tensor) -> int:
        """How many models' widest activations are together within ``CACHED``; one at least."""
        pixels = x[0].numel() / x.shape[2]
        return max(1, int(CACHED / (pixels * self.widest())))

    def _logits(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """Parameters (K, …), inputs (K, B, channels, H, W) -> logits (K, B, C)."""
        features = self._means(parameters, x)
        return torch.baddbmm(parameters["head.bias"].unsqueeze(1), features, parameters["head.weight"].mT)

    def _means(self, parameters: Mapping[str, Tensor], x: Tensor) -> Tensor:
        """What the head sees (K, B, D), in one program."""
        images = as_batch(x).transpose(0, 1).flatten(1, 2)
        if x.device.type != "cuda":
            images = channels_innermost(images)
        return self.layers(parameters, images).mean((-2, -1)).unflatten(1, (len(x), -1)).transpose(0, 1)


def channels_innermost(images: Tensor) -> Tensor:
    """The same images (B, C, H, W), in memory channel by channel for each pixel (``torch.channels_last``).

    On a CPU pooling is then five to ten times faster, and a convolution of few channels up to three times.
    """
    return images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)  # a way that `vmap` knows too


def normalise(images: Tensor, gain: Tensor, bias: Tensor, groups: int) -> Tensor:
    """Group normalisation of K models: images (B, K · C, H, W), gains and biases (K, C), groups a model."""
    return functional.group_norm(images, len(gain) * groups, gain.flatten(), bias.flatten())


def require_images(model: str, inputs: tuple[int, ...]) -> None:
    """Refuse inputs that are not images.

    Raises:
        ValueError: they are features.
    """
    if len(inputs) != 3:
        raise ValueError(
            f"model {model!r} needs images; these inputs are features (choose 'mlp' or 'linear')"
        )
