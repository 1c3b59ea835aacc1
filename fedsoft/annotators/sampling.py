"""Drawing some of the votes that there are."""

import numpy as np

from fedsoft.errors import DataError
from fedsoft.plural import plural


class FewVotesError(DataError):
    """An item has fewer votes than are wanted of it.

    Attributes:
        row: the first such item.
        has: its votes.
        wanted: how many are wanted.
        items: how many such items there are.
    """

    def __init__(self, row: int, has: int, wanted: int, items: int) -> None:
        super().__init__(
            f"{wanted} votes an example are wanted, but {plural(items, 'example has', 'examples have')} "
            f"fewer (the first is number {row}, with {has}); ask for fewer or leave these out."
        )
        self.row, self.has, self.wanted, self.items = row, has, wanted, items


def draw_votes(votes: np.ndarray, k: int, rng: np.random.Generator, fewer: bool = False) -> np.ndarray:
    """k votes of each image, drawn without replacement; images without any vote stay without.

    Args:
        votes: (N, C) counts.
        k: votes to draw per image, at least 1.
        rng: draws them.
        fewer: take all votes of an image that has fewer than k.

    Returns:
        (N, C) int64 counts; rows sum to k, or to fewer where that is allowed.

    Raises:
        FewVotesError: an image has fewer than k votes, and that is not allowed.
    """
    total = votes.sum(axis=1)
    if not fewer:
        _require(total[total > 0], k, np.flatnonzero(total > 0))
    return _hypergeometric(votes, np.minimum(total, k), rng)


def split_half(votes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each image's votes cut at random into two halves; an odd vote goes to either half by chance.

    Args:
        votes: (N, C) counts, at least two votes an image.
        rng: cuts.

    Returns:
        Two (N, C) int64 counts that add up to the votes.

    Raises:
        DataError: an image has fewer than two votes.
    """
    total = votes.sum(axis=1)
    _require(total, 2, np.arange(len(votes)))
    first = _hypergeometric(votes, total // 2 + (total % 2) * rng.integers(0, 2, len(votes)), rng)
    return first, votes - first


def draw_one(votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The class that one vote of each image names.

    Args:
        votes: (N, C) counts, or shares, of at least one vote an image.
        rng: draws the vote.

    Returns:
        (N,) int64 class indices.

    Raises:
        DataError: an image has no vote.
    """
    _require(votes.sum(axis=1), 1, np.arange(len(votes)))
    if votes.dtype.kind == "f":
        ends = np.cumsum(votes, axis=1)
        return (ends[:, :-1] <= (rng.random(len(votes)) * ends[:, -1])[:, np.newaxis]).sum(axis=1)
    drawn = rng.integers(0, votes.sum(axis=1))
    return (np.cumsum(votes, axis=1) <= drawn[:, np.newaxis]).sum(axis=1)


def _require(total: np.ndarray, k: int, number: np.ndarray) -> None:
    """Refuse fewer than k votes (n,) on any of the images of these numbers."""
    if (short := np.flatnonzero(total < k)).size:
        raise FewVotesError(int(number[short[0]]), int(total[short[0]]), k, short.size)


def _hypergeometric(votes: np.ndarray, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, C) multivariate hypergeometric counts, class by class: size (N,) votes of each row."""
    drawn = np.empty(votes.shape, dtype=np.int64)
    rest = votes.sum(axis=1)
    for c in range(votes.shape[1]):
        rest = rest - votes[:, c]
        drawn[:, c] = rng.hypergeometric(votes[:, c], rest, size)
        size = size - drawn[:, c]
    return drawn
