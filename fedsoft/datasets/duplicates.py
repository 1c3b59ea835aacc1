"""Items whose inputs are the same to the last bit."""

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Duplicates:
    """Items that occur more than once.

    Attributes:
        groups: sets of items with identical inputs.
        items: items in these sets.
        unlike: sets whose items have different labels.
        both_sides: sets with items both for training and for testing only.
        example: places of the items of one set, the first on both sides or else the first; empty for none.
    """

    groups: int
    items: int
    unlike: int
    both_sides: int
    example: tuple[int, ...]


def find_duplicates(inputs: np.ndarray, labels: np.ndarray, held_out: np.ndarray | None = None) -> Duplicates:
    """Which items are the same as others.

    Args:
        inputs: (N, ...) features or images; without any numbers an item is like no other.
        labels: (N,) class indices.
        held_out: (N,) whether an item is for testing only; None for no such items.
    """
    if not inputs[:1].size:
        return Duplicates(0, 0, 0, 0, ())
    rows = np.ascontiguousarray(inputs)
    prints = np.array([hashlib.blake2b(row, digest_size=16).digest() for row in rows], dtype="S16")
    _, first, group, count = np.unique(prints, return_index=True, return_inverse=True, return_counts=True)
    twice = count[group] > 1
    unlike = np.unique(group[labels != labels[first][group]]).size
    crossed = np.zeros(len(count), dtype=bool)
    if held_out is not None:
        crossed = (np.bincount(group, held_out) > 0) & (np.bincount(group, ~held_out) > 0)
    shown: tuple[int, ...] = ()
    if twice.any():
        wanted = crossed[group] if crossed.any() else twice
        shown = tuple(np.flatnonzero(group == group[wanted.argmax()]).tolist())
    return Duplicates(int((count > 1).sum()), int(twice.sum()), int(unlike), int(crossed.sum()), shown)
