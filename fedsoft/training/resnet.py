"""A residual net for small images."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from fedsoft.training.convnet import ConvNet, normalise, require_images
from fedsoft.training.convolution import convolve
from fedsoft.training.model import MODELS


@MODELS("resnet")
class ResNet(ConvNet):
    """A residual net for small images, with group normalisation: `blocks = [3, 3, 3]` is ResNet-20.

    That of He et al. 2016 for CIFAR-10 (arXiv:1512.03385, section 4.2): a 3×3 convolution, then stages of
    blocks, each two 3×3 convolutions whose result is added to what came in, before the last ReLU; the mean
    over pixels, and a linear layer. From stage to stage pixels halve and channels double, and what is added
    to is every second pixel, with zeros for the new channels (their option A), so that shortcuts have no
    parameters. Their batch normalisation is group normalisation here, for clients (Hsieh et al. 2020,
    arXiv:1910.00189). All gains start at 1.
    """

    blocks: tuple[Annotated[int, Field(ge=1, le=1_000)], ...] = Field(
        (2, 2, 2),
        min_length=1,
        max_length=8,
        description="blocks of each stage; layers in all are two a block, and two",
    )
    width: int = Field(
        16, ge=1, le=65_536, description="channels of the first stage; they double from stage to stage"
    )
    groups: int = Field(4, ge=1, description="groups of the normalisation; must divide the width")

    def shapes(self, inputs: tuple[int, ...], classes: int) -> dict[str, tuple[int, ...]]:
        """Convolutions (out, in, 3, 3) with gain and bias of their normalisation, and the linear layer."""
        require_images("resnet", inputs)
        if self.width % self.groups:
            raise ValueError(f"resnet: groups = {self.groups} does not divide width = {self.width}")
        convolutions = {"stem": (self.width, inputs[0])}
        fan_in = self.width
        for name, stride in self._blocks():
            width = fan_in * stride
            convolutions |= {f"{name}.first": (width, fan_in), f"{name}.second": (width, width)}
            fan_in = width
        shapes: dict[str, tuple[int, ...]] = {}
        for name, (width, before) in convolutions.items():
            shapes |= {
                f"{name}.weight": (width, before, 3, 3),
                f"{name}.gain": (width,),
                f"{name}.bias": (width,),
            }
        return shapes | {"head.weight": (classes, fan_in), "head.bias": (classes,)}

    def widest(self) -> float:
        """As in the base class: the first stage's, since each next one has half as many numbers."""
        return self.width

    def layers(self, parameters: Mapping[str, Tensor], images: Tensor) -> Tensor:
        """As in the base class."""

        def layer(h: Tensor, name: str, stride: int = 1) -> Tensor:
            weight, gain, bias = (parameters[f"{name}.{part}"] for part in ("weight", "gain", "bias"))
            return normalise(convolve(h, weight, stride), gain, bias, self.groups)

        models = len(parameters["stem.weight"])
        h = layer(images, "stem").relu()
        for name, stride in self._blocks():
            inner = layer(layer(h, f"{name}.first", stride).relu(), f"{name}.second")
            h = (inner + (_halved(h, models) if stride == 2 else h)).relu()
        return h

    def _blocks(self) -> Iterator[tuple[str, int]]:
        """The name of each block, and its stride: 2 in the first of every stage but the first."""
        for stage, blocks in enumerate(self.blocks):
            for block in range(blocks):
                yield f"stage{stage}.block{block}", 2 if stage and not block else 1


def _halved(images: Tensor, models: int) -> Tensor:
    """Every second pixel of images (B, K · C, H, W), each model's C channels followed by C of zeros."""
    each = images[:, :, ::2, ::2].unflatten(1, (models, -1))
    return functional.pad(each, (0, 0, 0, 0, 0, each.shape[2])).flatten(1, 2)
