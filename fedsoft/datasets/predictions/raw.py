"""Predictions as their file has them, before they are given to the data's items."""

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class RawPredictions:
    """M predictions of the data's C classes.

    Attributes:
        where: the file, or the file and the array in it.
        place: what holds one prediction: a row of an array, counted from 0, or a line of a text.
        values: (M, C) numbers, in the order of the data's classes; rows of NaN where there is none.
        numbers: (M,) row or line of each.
        items: what the file calls the item of each; None where it does not say.
        told: what was recognised that is not plain, a sentence each.
    """

    where: str
    place: Literal["row", "line"]
    values: np.ndarray
    numbers: np.ndarray
    items: list[str] | None
    told: tuple[str, ...] = ()

    def at(self, row: int) -> str:
        """Where one prediction stands, and of which item it is."""
        item = "" if self.items is None else f" (item {self.items[row]!r})"
        return f"{self.place} {self.numbers[row]}{item}"
