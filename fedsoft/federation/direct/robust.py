"""Medians, trimmed means and Krum's choice, on (runs, clients, …)."""

import numpy as np
import torch
from flwr.serverapp.strategy.fedtrimmedavg import trim_mean
from torch import Tensor


def median(models: Tensor) -> Tensor:
    """The median (R, …) over K clients (R, K, …): Yin et al. 2018, arXiv:1803.01498."""
    K = models.shape[1]
    if models.is_cuda:
        ranked = models.sort(dim=1).values
    else:  # several times faster than torch's, and than numpy's own median
        ranked = torch.from_numpy(np.sort(models.numpy(), axis=1))
    return (ranked[:, (K - 1) // 2] + ranked[:, K // 2]) / 2 if K % 2 == 0 else ranked[:, K // 2]


def trimmed_mean(models: Tensor, beta: float) -> Tensor:
    """The mean (R, …) over K clients (R, K, …) without the ``beta`` K lowest and highest, rounded down.

    Yin et al. 2018, arXiv:1803.01498. On a processor by Flower's own function. On a card values are added up
    in ascending order, and the mean is within 1e-6 of Flower's, whose order is that which numpy's partition
    happens to leave.
    """
    K = models.shape[1]
    if models.is_cuda:
        cut = int(beta * K)
        return models.sort(dim=1).values[:, cut : K - cut].mean(dim=1)
    return torch.from_numpy(trim_mean(np.ascontiguousarray(models.numpy().swapaxes(0, 1)), beta))


def krum_order(models: Tensor, malicious: int) -> np.ndarray:
    """(R, K) clients of each run, those nearest to their neighbours first.

    Blanchard et al. 2017, arXiv:1703.02757: by the sum of squared distances to the K - f - 2 nearest, one at
    least. As Flower's `select_multikrum`; on a card near ties may fall otherwise.

    Args:
        models: (R, K, P) flattened.
        malicious: f.
    """
    closest = max(1, models.shape[1] - malicious - 2)
    order = np.empty(models.shape[:2], dtype=np.int64)
    for r, squared in enumerate(_squared_distances(models)):
        nearest = [np.argsort(row)[1 : closest + 1] for row in squared]
        order[r] = np.argsort([np.sum(row[some]) for row, some in zip(squared, nearest, strict=True)])
    return order


def _squared_distances(models: Tensor) -> np.ndarray:
    """(R, K, K) between K models (R, K, P)."""
    if models.is_cuda:
        squares = models.square().sum(2)
        products = torch.bmm(models, models.mT)
        found = squares.unsqueeze(2) + squares.unsqueeze(1) - 2 * products
        return found.cpu().numpy()  # the one look of the host at a round
    return np.stack([_of_one(one) for one in models.numpy()])


def _of_one(models: np.ndarray) -> np.ndarray:
    """(K, K) squared distances between models (K, P), as Flower's `compute_distances` has them."""
    norms = np.square(models).sum(axis=1)
    distances: np.ndarray = norms[:, None] + norms[None, :] - 2 * models @ models.T
    return distances
