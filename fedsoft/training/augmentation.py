"""Augmentation: training on images that are moved and mirrored by chance, anew in every local epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fedsoft.training.options import Augment
from fedsoft.training.steps import Steps


@dataclass(frozen=True)
class Augmentation:
    """How each image of the batches of `Steps` is shown.

    Random crops of padded images, and random flips: He et al. 2016, arXiv:1512.03385, Section 4.2.

    Attributes:
        padding: black pixels added above and below, and left and right.
        corner: (P, B, 2) row and column of the padded image at which what is shown of it begins, from 0 to
            twice the padding; an example that is padding of the batch is shown as it is.
        flip: (P, B) whether it is then mirrored, left to right.
    """

    padding: tuple[int, int]
    corner: np.ndarray
    flip: np.ndarray


def plan_augmentation(
    steps: Steps, kind: Augment, shape: Sequence[int], rngs: Sequence[np.random.Generator]
) -> Augmentation:
    """Draw how every example of every batch is shown.

    Images are padded by an eighth of their side, rounded up: 4 pixels of 32. Each example takes three uniform
    draws, whatever of them is used, so that both kinds of crops, and both of flips, are the same.

    Args:
        steps: the batches.
        kind: what is drawn; not "none".
        shape: (channels, H, W) of an image.
        rngs: the generator of each client, in the caller's order of clients.

    Raises:
        ValueError: inputs of that shape are features.
    """
    if len(shape) != 3:
        raise ValueError("training.augment needs images; these inputs are features")
    height, width = (-(-side // 8) if "crops" in kind else 0 for side in shape[1:])
    corner = np.broadcast_to([height, width], (*steps.rows.shape, 2)).copy()
    flip = np.zeros(steps.rows.shape, dtype=bool)
    shown = steps.weights > 0
    for place, client in enumerate(steps.client):
        batches = steps.batches_of(place)
        batch, example = np.nonzero(shown[batches])
        drawn, at = rngs[client].random((len(batch), 3)), (batches[batch], example)
        corner[at] = drawn[:, :2] * [2 * height + 1, 2 * width + 1]
        flip[at] = (drawn[:, 2] < 0.5) & ("flips" in kind)
    return Augmentation((height, width), corner, flip)


def augment(x: Tensor, padding: tuple[int, int], corner: Tensor, flip: Tensor) -> Tensor:
    """Images (K, B, channels, H, W) as an `Augmentation` shows them: ``corner`` (K, B, 2), ``flip`` (K, B).

    Padding is black, as where pixels are padded before they become numbers: 0 in uint8, −1 in floats, as
    `as_batch` has them.
    """
    (top, left), (height, width) = padding, x.shape[-2:]
    padded = functional.pad(x, (left, left, top, top), value=0 if x.dtype == torch.uint8 else -1)
    column = torch.arange(width, device=x.device)
    column = torch.where(flip.unsqueeze(-1), width - 1 - column, column) + corner[..., 1:]
    row = torch.arange(height, device=x.device) + corner[..., :1]
    pixel = row.unsqueeze(-1) * padded.shape[-1] + column.unsqueeze(-2)
    of_channels = pixel.flatten(2).unsqueeze(2).expand(-1, -1, x.shape[2], -1)
    return padded.flatten(3).gather(3, of_channels).view(x.shape)
