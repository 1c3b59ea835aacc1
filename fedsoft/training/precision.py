"""How exactly a card multiplies."""

from typing import Literal

import torch

from fedsoft.errors import EngineError

Precision = Literal["float32", "tf32"]


def compute_in(precision: Precision, device: str) -> None:
    """Have this process multiply so from now on, in convolutions and products of matrices on a card.

    TensorFloat-32 rounds factors to 10 of 23 bits and adds as exactly as before: several times faster, and no
    longer what a processor gives. What is set is the process's: whoever trains in several sets each.

    Args:
        precision: ``float32``, as processors do, or ``tf32``.
        device: where it computes.

    Raises:
        EngineError: the device does not know the precision.
    """
    if precision == "tf32" and not device.startswith("cuda"):
        raise EngineError(
            f'precision = "tf32" is a way in which GPUs multiply, and device is "{device}"; leave precision '
            'out, or set device = "cuda" where there is a GPU.'
        )
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
