"""Which clients share a tensor program."""

from collections.abc import Sequence
from typing import Literal

Stack = int | Literal["all"]
"""How many clients are trained as one tensor program at most."""


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
