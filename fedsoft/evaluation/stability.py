"""Stability: how far two models that differ in nothing but chance disagree on the same images."""

from torch import Tensor


def churned(first: Tensor, second: Tensor) -> Tensor:
    """Whether the predicted class differs, image by image; its mean is the churn.

    Milani Fard et al. 2016, "Launch and Iterate: Reducing Prediction Churn".

    Args:
        first: (..., N, C) predictions of one model.
        second: (..., N, C) predictions of the other on the same images.

    Returns:
        (..., N) ones and zeros.
    """
    return (first.argmax(dim=-1) != second.argmax(dim=-1)).to(first.dtype)


def pair_variance(first: Tensor, second: Tensor) -> Tensor:
    """Variance of the predicted distribution, summed over classes, image by image: (..., N), at least 0.

    Half of the squared distance of two predictions (..., N, C): unbiased, so that the mean over pairs is the
    variance over models. Softer models vary less for mechanical reasons: compare at equal mean confidence.
    """
    return (first - second).square().sum(dim=-1) / 2
