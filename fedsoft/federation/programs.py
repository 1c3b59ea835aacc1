"""Which clients can share a tensor program, and which do."""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, TypeVar

Stack = int | Literal["all"]
"""How many clients are trained as one tensor program at most."""


T = TypeVar("T")


def alike(items: Sequence[T], like: Callable[[T, T], bool]) -> Iterator[list[int]]:
    """Places of items that are like the first of them, then of those that are left, and so on."""
    waiting = list(range(len(items)))
    while waiting:
        fits = [like(items[place], items[waiting[0]]) for place in waiting]
        yield [place for place, fit in zip(waiting, fits, strict=True) if fit]
        waiting = [place for place, fit in zip(waiting, fits, strict=True) if not fit]


def programs(examples: Sequence[int], stack: Stack) -> list[list[int]]:
    """Which clients share a program: those that train for about as long, in programs of even size.

    Args:
        examples: how many each client trains on.
        stack: how many share a program at most; 40 clients in programs of 32 at most are 20 and 20.

    Returns:
        places of clients, program by program.
    """
    order = sorted(range(len(examples)), key=lambda place: -examples[place])
    size = len(order) if stack == "all" else -(-len(order) // -(-len(order) // stack))
    return [order[start : start + size] for start in range(0, len(order), size)]
