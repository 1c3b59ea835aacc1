"""Soft answers: rows that belong together, as shares that sum to one."""

from dataclasses import dataclass

import numpy as np

from fedsoft.datasets.answers.naming import numbered


def soft_answers(unit: np.ndarray, label: np.ndarray) -> np.ndarray:
    """(A,) the answer that each row belongs to, where rows of one person and item are one soft answer.

    A class that recurs begins another answer of that person.

    Args:
        unit: (A,) a number for each person and item.
        label: (A,) the class of each row.
    """
    cells = np.unique(np.stack([unit, label], axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    again = np.bincount(cells)[cells] > 1
    recurring = np.isin(unit, unit[again])
    turn = np.zeros(len(unit), dtype=np.int64)
    seen: dict[int, tuple[int, set[int]]] = {}
    for row in np.flatnonzero(recurring).tolist():
        count, classes = seen.get(int(unit[row]), (0, set()))
        if int(label[row]) in classes:
            count, classes = count + 1, set()
        classes.add(int(label[row]))
        seen[int(unit[row])] = (count, classes)
        turn[row] = count
    return numbered_rows(unit, turn)


def numbered_rows(*columns: np.ndarray) -> np.ndarray:
    """(A,) numbers from 0 of the distinct combinations of columns of whole numbers, by first appearance."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        _, places = np.unique(column, return_inverse=True)
        codes = np.unique(codes * (places.max(initial=0) + 1) + places, return_inverse=True)[1].reshape(-1)
    return numbered(codes.tolist())[1]


@dataclass(frozen=True)
class Shares:
    """Rows of answers whose shares sum to one in each answer.

    Attributes:
        row: (B,) the row that each comes from.
        answer: (B,) the answer that it is part of, numbered from 0 in the order of their first rows.
        label: (B,) its class.
        share: (B,) its share, above 0.
    """

    row: np.ndarray
    answer: np.ndarray
    label: np.ndarray
    share: np.ndarray

    def answers(self) -> tuple[np.ndarray, np.ndarray]:
        """(G,) a row of each answer, and (G,) the class that has most of it, the first of several."""
        order = np.lexsort((-self.share, self.answer))
        first = order[np.unique(self.answer[order], return_index=True)[1]]
        return self.row[first], self.label[first]

    def only(self, kept: np.ndarray) -> "Shares":
        """Those of some answers, given as a (G,) mask."""
        rows = kept[self.answer]
        return Shares(self.row[rows], self.answer[rows], self.label[rows], self.share[rows])

    def of_rows(self, rows: np.ndarray) -> "Shares":
        """The same where rows were chosen from others, of which these are the indices."""
        return Shares(rows[self.row], self.answer, self.label, self.share)


def whole(row: np.ndarray, label: np.ndarray) -> Shares:
    """Answers of one row and class each."""
    return Shares(row, np.arange(len(row)), label, np.ones(len(row)))


def shares_of(answer: np.ndarray, label: np.ndarray, weight: np.ndarray, classes: int) -> Shares:
    """Weights as shares of each answer.

    An answer of several rows is the distribution of its weights. An answer of one row with a weight below 1
    is a class with a confidence, and the rest is spread evenly over the other classes, unless some weight
    is above 1, which no confidence is.

    Args:
        answer: (A,) the answer of each row, numbered from 0 by first appearance.
        label: (A,) its class.
        weight: (A,) its weight, at least 0, with a sum above 0 in each answer.
        classes: how many classes there are.
    """
    single = np.bincount(answer)[answer] == 1
    unsure = single & (weight < 1) & (weight.max(initial=0) <= 1) & (classes > 1)
    share = np.where(unsure, weight, weight / np.bincount(answer, weights=weight)[answer])
    copies = np.where(unsure, classes, 1)
    row = np.repeat(np.arange(len(answer)), copies)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(copies) - copies, copies)
    share = np.where(offset > 0, (1 - weight[row]) / max(classes - 1, 1), share[row])
    label = (label[row] + offset) % classes
    kept = share > 0
    return Shares(row[kept], answer[row[kept]], label[kept], share[kept])
