"""Floors and ceilings of agreement with people: what no look at an image gives, and a perfect model."""

import math

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation.agreement import EntropyCorrelation
from fedsoft.evaluation.bins import ranks
from fedsoft.evaluation.metric import METRICS
from fedsoft.evaluation.references import entropy, soft_labels

AGREEMENT = ("kl", "total_variation", "entropy_error", "entropy_correlation")


def class_means(votes: Tensor, labels: Tensor) -> Tensor:
    """The mean vote distribution of each label: what predicts best without a look at the image.

    One image with even votes is added to each label, so that a class that nobody chose so far costs a finite
    KL divergence where somebody does.

    Args:
        votes: (M, C) counts on training images.
        labels: (M,) their class indices.

    Returns:
        (C, C) rows on the simplex, one a label.
    """
    shares = soft_labels(votes)
    C = shares.shape[1]
    sums = torch.full((C, C), 1 / C, dtype=shares.dtype, device=shares.device)
    sums = sums.index_add(0, labels.long(), shares)
    return sums / sums.sum(dim=-1, keepdim=True)


def mean_vote(votes: Tensor) -> Tensor:
    """A constant forecast (C,): the mean vote distribution of images (M, C), and of one with even votes."""
    shares = soft_labels(votes)
    mean: Tensor = (shares.sum(dim=0) + 1 / shares.shape[1]) / (len(shares) + 1)
    return mean


def agreement_floor(blind: Tensor, people: Tensor) -> dict[str, Tensor]:
    """KL, total variation and entropy error of predictions (..., N, C) that see of an image a class at most.

    The predictions are rows of `class_means`; ``people`` are (N, C) vote distributions. Entropies of class
    means do not order the images of a class: for their correlation see `shuffled_correlation`.
    """
    return {name: METRICS.parse(name)(blind, people) for name in AGREEMENT[:3]}


def shuffled_correlation(
    probs: Tensor, labels: Tensor, people: Tensor, rng: np.random.Generator, draws: int = 10
) -> Tensor:
    """Entropy correlation of models whose entropies are shuffled among the images of a label.

    What is left is what they know of classes: some are harder than others.

    Args:
        probs: (..., N, C) predictions.
        labels: (N,) class indices.
        people: (N, C) vote distributions.
        rng: shuffles, alike for all leading indices.
        draws: number of shuffles over which the correlation is averaged.

    Returns:
        (...) mean correlations.
    """
    label, middle = labels.cpu().numpy(), (len(labels) - 1) / 2
    model, truth = ranks(entropy(probs)) - middle, ranks(entropy(people)) - middle
    scale = (model.square().sum(dim=-1) * truth.square().sum(dim=-1)).sqrt()
    place = torch.from_numpy(np.argsort(label, kind="stable")).to(probs.device)
    total = torch.zeros_like(scale)
    for _ in range(draws):  # shuffling entropies shuffles their ranks
        source = torch.from_numpy(np.lexsort((rng.random(len(label)), label))).to(probs.device)
        total = total + (model[..., source] * truth[place]).sum(dim=-1) / scale
    return (total / draws).to(probs.dtype)


def agreement_ceiling(truth: Tensor, counts: Tensor, rng: np.random.Generator) -> dict[str, float]:
    """What a perfect model scores against a limited number of votes, by metric.

    The distributions that votes are drawn from are scored against votes so drawn. Which distributions to
    take is the caller's choice: raw shares of few votes are too near to unanimous, posterior means too much
    alike; draws from the posterior are neither.

    Args:
        truth: (N, C) distributions of votes, image by image.
        counts: (N,) votes an image, at least one.
        rng: draws them.
    """
    people = soft_labels(drawn_votes(truth, counts, rng))
    return {name: float(METRICS.parse(name)(truth, people)) for name in AGREEMENT}


def split_half_ceiling(first: Tensor, second: Tensor) -> float:
    """The entropy correlation of a perfect model with all votes, from two halves of them.

    The halves' correlation r is their reliability; that of twice the votes is 2 r / (1 + r) (Spearman,
    Brown 1910), and a perfect model correlates with them by its square root. Exact for Pearson's correlation
    under independent errors, an approximation for ranks. NaN where the halves are not correlated at all.

    Args:
        first: (N, C) counts.
        second: (N, C) counts of the other votes on the same images, about as many.
    """
    r = float(EntropyCorrelation()(soft_labels(first), soft_labels(second)))
    return math.sqrt(2 * r / (1 + r)) if r > 0 else math.nan


def entropy_error_at_equal_votes(
    probs: Tensor, votes: Tensor, rng: np.random.Generator, draws: int = 5
) -> Tensor:
    """Mean of the model's less the people's entropy, in nats, both as so many votes show it: 0 is best.

    The entropy of n votes' shares is too low, the more the fewer votes (Miller 1955). So as many votes are
    drawn from the prediction as people gave, and entropies of shares are compared: a perfect model has an
    error of 0 at any number of votes.

    Args:
        probs: (..., N, C) predictions.
        votes: (N, C) counts, at least one an image.
        rng: draws votes from the predictions.
        draws: number of sets of votes over which the model's entropy is averaged.

    Returns:
        (...) errors; NaN where N is 0.
    """
    counts = votes.sum(dim=-1)
    models = probs.reshape(-1, *probs.shape[-2:])  # one at a time: votes take as much memory as predictions
    drawn = [
        torch.stack([entropy(soft_labels(drawn_votes(model, counts, rng))).mean() for model in models])
        for _ in range(draws)
    ]
    found = torch.stack(drawn).mean(dim=0).reshape(probs.shape[:-2]).to(probs.dtype)
    return found - entropy(soft_labels(votes)).mean()


def drawn_votes(probs: Tensor, counts: Tensor, rng: np.random.Generator) -> Tensor:
    """Votes (..., N, C) drawn from distributions (..., N, C), as many an image as ``counts`` (N,) says."""
    rows = probs.double().cpu().numpy()
    rows = rows / rows.sum(axis=-1, keepdims=True)
    drawn = rng.multinomial(counts.cpu().numpy(), rows)
    return torch.from_numpy(drawn).to(probs.device)
