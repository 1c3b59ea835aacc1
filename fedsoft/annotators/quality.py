"""How good clients' annotation really is, which a simulation knows and no strategy does."""

import numpy as np


def true_quality(answers: np.ndarray, truth: np.ndarray, owner: np.ndarray, clients: int) -> np.ndarray:
    """(clients,) the share of a client's answers that are right, in [0, 1]; NaN for a client without any.

    Args:
        answers: (M, C) what was answered of each example, as counts or sums of distributions.
        truth: (M,) the right class; -1 where it is not known, and the example does not count.
        owner: (M,) the client that holds each example.
        clients: number of clients.
    """
    known = np.flatnonzero(truth >= 0)
    right = np.bincount(owner[known], answers[known, truth[known]], clients)
    with np.errstate(invalid="ignore", divide="ignore"):
        share: np.ndarray = right / np.bincount(owner[known], answers[known].sum(axis=1), clients)
    return share


def majority_of(votes: np.ndarray) -> np.ndarray:
    """(N,) the class that most votes (N, C) name; -1 where two share that place, or nobody voted."""
    top = votes.max(axis=1, keepdims=True)
    return np.where((votes == top).sum(axis=1) == 1, votes.argmax(axis=1), -1)
