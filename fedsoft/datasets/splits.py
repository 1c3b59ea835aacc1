"""Folds by item, or by person."""

import numpy as np

from fedsoft.errors import DataError


def fold_of(
    labels: np.ndarray, n_folds: int, rng: np.random.Generator, people: np.ndarray | None = None
) -> np.ndarray:
    """The fold of each item, stratified by label.

    Sizes of folds, and of each class within folds, differ by one at most. A person's items are in one fold:
    people, those with most items first and else in random order, go one by one to the fold that has least of
    what they bring, each class counted as a share of its items; sizes then differ by about what one person
    has.

    Args:
        labels: (N,) class indices.
        n_folds: number of folds, 2 to N, or to the number of people.
        rng: shuffles items within their class, or people.
        people: (N,) the person of each item, where items are of people.

    Returns:
        (N,) int64 fold numbers from 0 to n_folds - 1.

    Raises:
        DataError: there are fewer items, or people, than folds.
    """
    units, what = (len(labels), "examples") if people is None else (len(np.unique(people)), "people")
    if not 2 <= n_folds <= units:
        raise DataError(f"{units} {what} cannot be cut into {n_folds} folds; choose 2 to {units} folds.")
    if people is not None:
        return _whole(labels, people, n_folds, rng)
    order = np.lexsort((rng.random(len(labels)), labels))
    folds = np.empty(len(labels), dtype=np.int64)
    folds[order] = np.arange(len(labels)) % n_folds
    return folds


def _whole(labels: np.ndarray, people: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """(N,) folds that hold people whole."""
    _, person = np.unique(people, return_inverse=True)
    _, place = np.unique(labels, return_inverse=True)
    brings = np.zeros((person.max() + 1, place.max() + 2))
    np.add.at(brings, (person, place), 1)
    brings[:, -1] = brings.sum(axis=1)  # the size counts like one more class
    weight = brings / brings.sum(axis=0)
    fold = np.empty(len(brings), dtype=np.int64)
    held = np.zeros((n_folds, brings.shape[1]))
    for one in np.lexsort((rng.random(len(brings)), -brings[:, -1])).tolist():
        fold[one] = (held @ weight[one]).argmin()
        held[fold[one]] += brings[one]
    spread: np.ndarray = fold[person]
    return spread
