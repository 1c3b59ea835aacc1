"""Answers and rows named in sentences by the user's own numbering."""

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np

MOST = 5
"""How many are named before the rest are counted."""

T = TypeVar("T", bound=Hashable)


def listed(words: Sequence[str], count: int | None = None) -> str:
    """Words in a row: the first few, and how many more there are.

    Args:
        words: all of them, or the first few.
        count: how many there are in all, where not all are given.
    """
    more = (len(words) if count is None else count) - MOST
    return ", ".join(words[:MOST]) + (f" and {more:,} more" if more > 0 else "")


def quoted(names: Sequence[str]) -> str:
    """Names in quotes, the first few of them."""
    return listed([repr(name) for name in names])


def at(place: str, numbers: np.ndarray, items: Sequence[str] | None = None) -> str:
    """Lines or entries by number, each with its item where items are given.

    Args:
        place: "line" or "entry".
        numbers: (A,) their numbers.
        items: the item of each.
    """
    several = {"line": "lines", "entry": "entries"}[place]
    told = [
        str(number) + (f" ({items[i]})" if items is not None else "")
        for i, number in enumerate(numbers[:MOST].tolist())
    ]
    more = len(numbers) - MOST
    return f"{place if len(numbers) == 1 else several} {', '.join(told)}" + (
        f" and {more:,} more" if more > 0 else ""
    )


def numbered(values: Iterable[T]) -> tuple[list[T], np.ndarray]:
    """The distinct values in order of first appearance, and (A,) the place of each value among them."""
    places: dict[T, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(codes, dtype=np.int64)
