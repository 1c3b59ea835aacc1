"""Single answers that follow what happens to the votes that they are counted in."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fedsoft.datasets import Annotations


def keep_drawn(answers: Annotations, drawn: np.ndarray, rng: np.random.Generator) -> Annotations:
    """Of the answers, as many to each item and of each class as were drawn (N, C), at random."""
    rank = _rank(answers, drawn.shape[1], rng)
    kept = rank < drawn[answers.item, answers.label]
    return replace(
        answers, item=answers.item[kept], annotator=answers.annotator[kept], label=answers.label[kept]
    )


def relabel(answers: Annotations, moves: Sequence[np.ndarray], rng: np.random.Generator) -> Annotations:
    """The answers after votes of each class became others, (N, C) for each class; whose, is random."""
    if not moves:
        return answers
    rank, label = _rank(answers, len(moves), rng), answers.label.copy()
    for c, to in enumerate(moves):
        mine = np.flatnonzero(answers.label == c)
        ends = np.cumsum(to, axis=1)[answers.item[mine]]
        new = (ends <= rank[mine, np.newaxis]).sum(axis=1)
        label[mine] = np.where(new < len(moves), new, c)
    return replace(answers, label=label)


def _rank(answers: Annotations, classes: int, rng: np.random.Generator) -> np.ndarray:
    """(A,) a random rank, from 0, of each answer among those of its class to its item."""
    cell = answers.item * classes + answers.label
    order = np.lexsort((rng.random(len(cell)), cell))
    rank = np.empty(len(cell), dtype=np.int64)
    rank[order] = np.arange(len(cell)) - np.searchsorted(cell[order], cell[order])
    return rank
