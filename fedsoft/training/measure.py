"""How many models to train as one tensor program: the number that is fastest on this machine."""

import math
from functools import lru_cache

import torch

from fedsoft.streams import stream
from fedsoft.training.losses import Loss
from fedsoft.training.model import Model
from fedsoft.training.timing import least_seconds

GAIN = 1.02
"""A larger number of models must be this much faster, each, to be worth its memory."""
PATIENCE = 2
"""Doublings in a row that are not, after which no more are tried: one may be noise."""
LONGEST = 0.1
"""Seconds of a step, beyond which it gains nothing from more models: almost all of it is arithmetic."""
ON_A_CPU = 256
"""Most models on a CPU, whose caches hold no more of any."""
SHARE = 0.5
"""Of a card's free memory, what a step may take. The rest is for momentum, starts, targets and replies."""
REPEATS, SECONDS = 7, 0.05
"""Times that a number of models is tried, and the seconds after which two are enough."""


@lru_cache(maxsize=64)
def measured_stack(
    model: Model,
    loss: Loss,
    inputs: tuple[int, ...],
    classes: int,
    batch: int,
    device: str,
    workers: int = 1,
) -> int:
    """Double the number of models while that makes each of them faster, by timing gradient steps.

    A card's memory is the limit there: of twice as many models than were tried last, a step takes twice the
    memory. Whatever the number, results are the same up to the rounding of sums.

    Args:
        model: the model.
        loss: what it minimises.
        inputs: shape of one input.
        classes: number of classes.
        batch: examples a step.
        device: where it trains.
        workers: processes that share a card.

    Returns:
        a power of 2; 1 where the model cannot be measured.
    """
    fastest, least, worse, stack = 1, math.inf, 0, 1
    try:
        while True:
            seconds, taken = _step(model, loss, inputs, classes, batch, device, stack)
            if seconds * GAIN <= least:
                fastest, least, worse = stack, seconds, 0
            else:
                worse += 1
            stack *= 2
            fits = 2 * taken <= SHARE * _free(device) / workers if _is_card(device) else stack <= ON_A_CPU
            if worse == PATIENCE or stack * seconds > LONGEST or not fits:
                return fastest
    except torch.OutOfMemoryError:
        return fastest
    except Exception:  # a model of the user's may raise anything: its runs will say so, one by one
        return 1
    finally:
        if _is_card(device):
            torch.cuda.empty_cache()  # who trains may be another process


@torch.no_grad()
def _step(
    model: Model, loss: Loss, inputs: tuple[int, ...], classes: int, batch: int, device: str, stack: int
) -> tuple[float, int]:
    """Seconds of a gradient step of one of ``stack`` models, and the bytes that all take of a card."""
    before = _begin_counting(device)
    initial = model.initial(inputs, classes, stream("measurement"))
    parameters = {
        name: torch.from_numpy(value).to(device).repeat(stack, *(1 for _ in value.shape))
        for name, value in initial.items()
    }
    x = torch.linspace(-1, 1, stack * batch, device=device).reshape(stack, batch, *(1 for _ in inputs))
    x = x.expand(stack, batch, *inputs).contiguous()
    targets = torch.full((stack, batch, classes), 1 / classes, device=device)
    weights = torch.full((stack, batch), 1 / batch, device=device)

    def step() -> None:
        model.accumulate(parameters, x, targets, weights, loss, parameters, 1.0, -1e-3)

    seconds = least_seconds(step, device, REPEATS, SECONDS)
    return seconds / stack, torch.cuda.max_memory_allocated(device) - before if _is_card(device) else 0


def _is_card(device: str) -> bool:
    return device.startswith("cuda")


def _begin_counting(device: str) -> int:
    """Bytes that this process holds of a card, from which on the most that it holds is counted anew."""
    if not _is_card(device):
        return 0
    torch.cuda.reset_peak_memory_stats(device)
    return torch.cuda.memory_allocated(device)


def _free(device: str) -> int:
    """Bytes of a card that nobody holds, or this process without use."""
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused
