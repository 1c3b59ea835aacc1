"""How long a computation takes, at best, on a processor or a card."""

import time
from collections.abc import Callable

import torch

AT_ONCE = 5
"""Calls that a card is given before it is waited for, as training gives it steps, where they are short."""


def least_seconds(compute: Callable[[], object], device: str, repeats: int, within: float) -> float:
    """Seconds of a call, the least of several: whatever else the machine does only adds to them.

    Args:
        compute: what is timed.
        device: where it computes. A card is waited for, and its first call, in which it loads kernels and
            takes memory, does not count.
        repeats: how often to time it; twice where that takes ``within`` seconds.
        within: seconds.
    """
    found = [_seconds(compute, device, 1)]
    calls = 1
    if device.startswith("cuda"):
        found = [_seconds(compute, device, 1)]
        calls = AT_ONCE if AT_ONCE * found[0] < within else 1
    while len(found) < 2 or (len(found) < repeats and calls * sum(found) < within):
        found.append(_seconds(compute, device, calls))
    return min(found)


def _seconds(compute: Callable[[], object], device: str, calls: int) -> float:
    """Seconds of one of several calls, from nothing to do until all is done."""
    _wait(device)
    began = time.perf_counter()
    for _ in range(calls):
        compute()
    _wait(device)
    return (time.perf_counter() - began) / calls


def _wait(device: str) -> None:
    """Until a card has done what it was given; a processor has."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
