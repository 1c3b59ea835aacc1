"""Convolutions of K models at once, in the form that is fastest where they are computed."""

from collections.abc import Callable
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from fedsoft.training.timing import least_seconds

MEASURED = ("cuda",)
"""Kinds of devices on which forms are timed. On others it is `grouped`, so that no bit depends on time."""
ALIKE = 256
"""Models, from which on the form is that of so many."""
REPEATS, SECONDS = 3, 0.02
"""Times that a form is tried, and the seconds after which two are enough."""


def convolve(images: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """3×3 convolutions of K models, padded by 1, in whichever form is fastest on this device.

    On a CPU that is `grouped`, always. On a card the forms are timed once for each shape, and what is chosen
    decides in which order sums are taken: results of two processes are the same up to rounding.

    Args:
        images: (B, K · I, H, W), the channels of all models side by side.
        weight: (K, O, I, 3, 3).
        stride: 1 or 2.

    Returns:
        (B, K · O, ⌈H / stride⌉, ⌈W / stride⌉).
    """
    return FORMS[_form(images, weight, stride)](images, weight, stride)


def grouped(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """`convolve` as one grouped convolution."""
    return functional.conv2d(images, weight.flatten(0, 1), stride=stride, padding=1, groups=len(weight))


def unfolded(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """`convolve` as products of matrices, with a copy of each pixel's neighbourhood."""
    batch, _, height, width = images.shape
    # All channels of all images are those of one, which a card unfolds at once, and images one by one.
    one = images.reshape(1, -1, height, width)
    windows = functional.unfold(one, 3, padding=1, stride=stride).view(
        batch, len(weight), 9 * weight.shape[2], -1
    )
    found = torch.matmul(weight.flatten(2), windows)  # (B, K, O, H · W)
    return found.view(batch, -1, _fewer(height, stride), _fewer(width, stride))


def apart(images: Tensor, weight: Tensor, stride: int) -> Tensor:
    """`convolve` as K convolutions, one after another."""
    each = zip(images.chunk(len(weight), dim=1), weight, strict=True)
    return torch.cat([functional.conv2d(own, kernel, stride=stride, padding=1) for own, kernel in each], 1)


FORMS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "grouped": grouped,
    "unfolded": unfolded,
    "apart": apart,
}
"""Ways to compute one and the same, by name; all are exact."""


def _fewer(pixels: int, stride: int) -> int:
    """⌈pixels / stride⌉."""
    return -(-pixels // stride)


def _form(images: Tensor, weight: Tensor, stride: int) -> str:
    """The name of the form to compute `convolve` in."""
    kind = images.device.type
    if len(weight) == 1 or kind not in MEASURED:
        return "grouped"
    if kind == "cuda" and torch.cuda.is_current_stream_capturing():
        return "grouped"  # a graph that is being captured cannot be waited for
    # Few numbers of models, since stacks shrink one by one; beyond, more are more of the same.
    models = min(2 ** (len(weight) - 1).bit_length(), ALIKE)
    shape = (len(images), images.shape[1] // len(weight), *images.shape[2:])
    rounds = torch.backends.cudnn.allow_tf32
    return fastest(
        models, shape, weight.shape[1], stride, images.requires_grad, str(images.device), images.dtype, rounds
    )


@lru_cache(maxsize=4096)
def fastest(
    models: int,
    shape: tuple[int, ...],
    out: int,
    stride: int,
    deep: bool,
    device: str,
    dtype: torch.dtype,
    rounds: bool,
) -> str:
    """The name of the form in which a convolution and its gradient take least time.

    Args:
        models: number of models, K.
        shape: of one model's images (B, I, H, W).
        out: channels that come out.
        stride: 1 or 2.
        deep: whether images have a gradient, as all but a net's inputs do.
        device: where it is computed.
        dtype: of what numbers.
        rounds: whether a card may round factors (TF32), which is the cards' own setting now.
    """
    found = seconds_of_forms(models, shape, out, stride, deep, device, dtype)
    return min(found, key=lambda name: found[name], default="grouped")


def seconds_of_forms(
    models: int, shape: tuple[int, ...], out: int, stride: int, deep: bool, device: str, dtype: torch.dtype
) -> dict[str, float]:
    """Seconds of a convolution and its gradient in each form that memory holds; arguments as of `fastest`."""
    batch, channels, *size = shape
    images = torch.ones(batch, models * channels, *size, device=device, dtype=dtype, requires_grad=deep)
    weight = torch.ones(models, out, channels, 3, 3, device=device, dtype=dtype, requires_grad=True)
    wanted = (weight, images) if deep else (weight,)
    found = {}
    for name, form in FORMS.items():

        def step(form: Callable[[Tensor, Tensor, int], Tensor] = form) -> None:
            with torch.enable_grad():
                torch.autograd.grad(form(images, weight, stride).sum(), wanted)

        try:
            found[name] = least_seconds(step, device, REPEATS, SECONDS)
        except torch.OutOfMemoryError:
            continue
    return found
