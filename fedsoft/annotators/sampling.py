"""Drawing some of the votes that there are."""

import numpy as np

from fedsoft.errors import DataError


def draw_votes(votes: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k votes of each image, drawn without replacement.

    Args:
        votes: (N, C) counts.
        k: votes to draw per image, at least 1.
        rng: draws them.

    Returns:
        (N, C) int64 counts; rows sum to k.

    Raises:
        DataError: an image has fewer than k votes.
    """
    _require(votes, k)
    return _hypergeometric(votes, np.full(len(votes), k), rng)


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
    _require(votes, 2)
    total = votes.sum(axis=1)
    first = _hypergeometric(votes, total // 2 + (total % 2) * rng.integers(0, 2, len(votes)), rng)
    return first, votes - first


def draw_one(votes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The class that one vote of each image names.

    Args:
        votes: (N, C) counts, at least one vote an image.
        rng: draws the vote.

    Returns:
        (N,) int64 class indices.

    Raises:
        DataError: an image has no vote.
    """
    _require(votes, 1)
    drawn = rng.integers(0, votes.sum(axis=1))
    return (np.cumsum(votes, axis=1) <= drawn[:, np.newaxis]).sum(axis=1)


def _require(votes: np.ndarray, k: int) -> None:
    total = votes.sum(axis=1)
    if (short := np.flatnonzero(total < k)).size:
        raise DataError(
            f"{k} votes an example are wanted, but {short.size} examples have fewer "
            f"(the first is number {short[0]}, with {total[short[0]]}); ask for fewer or leave these out."
        )


def _hypergeometric(votes: np.ndarray, size: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(N, C) multivariate hypergeometric counts, class by class: size (N,) votes of each row."""
    drawn = np.empty(votes.shape, dtype=np.int64)
    rest = votes.sum(axis=1)
    for c in range(votes.shape[1]):
        rest = rest - votes[:, c]
        drawn[:, c] = rng.hypergeometric(votes[:, c], rest, size)
        size = size - drawn[:, c]
    return drawn
