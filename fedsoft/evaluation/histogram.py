"""Histogram binning: shares of a class in bins of its probability (Zadrozny, Elkan 2001)."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fedsoft.evaluation.bins import bin_index
from fedsoft.evaluation.exchanges import AddUp

FLOATS = NDArray[np.float64]
CELLS = 64
"""Cells of a class's probability, an even number."""
WIDEST = 12.0
"""Log odds beyond which there is one cell on either side.

Both chosen on the models of `simulations/pseudo.py`: at 100 to 3,000 examples, bins made of these cells are
within 0.0007 nats of those cut at predictions. Cells that end at 8 lose up to 0.001, at 4 up to 0.015.
"""


def fit_table(p: FLOATS, reference: FLOATS, bins: int) -> FLOATS:
    """One class's bins of equal mass, cut at predictions.

    Args:
        p: (N,) the class's probability.
        reference: (N,) its share in each example.
        bins: B; equal predictions are never parted, so fewer may hold any.

    Returns:
        (3, B) lower edge, examples, and examples of the class, of the bins that hold any; the first begins
        at -inf, and what is left over at inf.
    """
    _, index = np.unique(bin_index(torch.from_numpy(p), bins, "mass"), return_inverse=True)
    edges = [p[index == n].min() for n in range(1, index.max() + 1)]
    return _padded(edges, np.bincount(index), np.bincount(index, reference), bins)


def apply_tables(columns: FLOATS, tables: FLOATS, pseudo: float) -> FLOATS:
    """Each probability's bin's share of its class, with pseudo-examples at the probability itself.

    Args:
        columns: (C, N) probabilities.
        tables: (C, 3, B).
        pseudo: number of pseudo-examples in each bin.

    Returns:
        (N, C) shares, not normalised.
    """
    values = []
    for column, (edges, count, hits) in zip(columns, tables, strict=True):
        index = np.searchsorted(edges[1:], column, side="right")
        values.append((hits[index] + pseudo * column) / (count[index] + pseudo))
    return np.stack(values, axis=1)


def cell_edges() -> Tensor:
    """(CELLS,) where cells of probability begin, the first at 0: evenly spaced in log odds, not in data."""
    wings = CELLS // 2 - 1
    odds = torch.arange(-wings, wings + 1, dtype=torch.float64) * (WIDEST / wings)
    return torch.cat([odds.new_zeros(1), odds.sigmoid()])


def cell_sums(probs: Tensor, reference: Tensor) -> Tensor:
    """What a client tells of its examples, so that bins can be cut through those of all.

    Score histograms, as in Cormode and Markov 2022, arXiv:2210.12526.

    Args:
        probs: (N, C) predictions; N may be 0.
        reference: (N, C) rows on the simplex.

    Returns:
        (2, C, CELLS) examples in each cell of each class's probability, and those of the class among them.
    """
    cells = cell_edges().to(probs.device)
    p, share = probs.double().T.contiguous(), reference.double().T
    index = torch.bucketize(p, cells[1:], right=True)
    empty = p.new_zeros((len(p), CELLS))
    return torch.stack([empty.scatter_add(1, index, rows) for rows in (torch.ones_like(p), share)])


def solve_tables(add_up: AddUp, bins: int) -> FLOATS:
    """Bins of nearly equal mass, from `cell_sums` alone, in one exchange.

    They are those of `fit_table` where each prediction is known to its cell only: cells are never parted.

    Args:
        add_up: nothing (0,) to the cells (2, C, CELLS) of all examples.
        bins: B.

    Returns:
        (C, 3, B) tables.
    """
    count, hits = add_up(torch.empty(0, dtype=torch.float64)).numpy()
    return np.stack([_merged(*cells, bins) for cells in zip(count, hits, strict=True)])


def _merged(count: FLOATS, hits: FLOATS, bins: int) -> FLOATS:
    """One class's cells (CELLS,) as bins, each where the mean rank of its examples says."""
    held = np.flatnonzero(count)
    rank = (count.cumsum() - (count + 1) / 2)[held]
    place = np.floor(rank * bins / count.sum()).clip(0, bins - 1)
    _, first, index = np.unique(place, return_index=True, return_inverse=True)
    edges = cell_edges().numpy()[held[first[1:]]]
    return _padded(edges, np.bincount(index, count[held]), np.bincount(index, hits[held]), bins)


def _padded(edges: Any, count: Any, hits: Any, bins: int) -> FLOATS:
    table = np.zeros((3, bins))
    table[0] = np.inf
    for row, values in zip(table, ([-np.inf, *edges], count, hits), strict=True):
        row[: len(values)] = values
    return table
