"""How often annotators slip, as far as votes and an anchor can say."""

import numpy as np
from scipy.special import betainc, comb, xlogy

# Probabilities at which the mixed images' share of people who see the label is integrated: dense at the ends.
EDGES = np.sin(np.linspace(0, np.pi / 2, 201)) ** 2
FEWEST_UNANIMOUS = 100


def agreement_counts(votes: np.ndarray, labels: np.ndarray, most: int) -> np.ndarray:
    """(K + 1, K + 1) images with n votes of which x are for their label, at [n, x]; clients' counts add up.

    Args:
        votes: (N, C) counts.
        labels: (N,) class indices.
        most: K, the most votes that an image of any client has.
    """
    counts = np.zeros((most + 1, most + 1))
    np.add.at(counts, (votes.sum(axis=1), votes[np.arange(len(votes)), labels]), 1)
    return counts


def largest_rate(classes: int) -> float:
    """The slip rate at which a vote says nothing: all classes are as likely, whatever was meant."""
    return (classes - 1) / classes


def slip_rate_band(counts: np.ndarray, classes: int, unambiguous_share: float = 0.0) -> tuple[float, float]:
    """Every slip rate that agrees with how often people are unanimous, whatever they see in the images.

    At slip rate r no image's votes name its label with a probability above 1 - r, and those on which all who
    look well give it do so with just that probability. So the share of images on which j votes all name
    the label lies between `unambiguous_share` (1 - r)^j and (1 - r)^j. It is estimated without bias from all
    ways to choose j of an image's votes. The band narrows as j grows, and j is as large as half of the images
    have votes, and as still leaves a hundred unanimous images to count.

    Args:
        counts: (K + 1, K + 1) agreement counts.
        classes: number of classes C.
        unambiguous_share: share of the images, in [0, 1], on which all who look well give the label.

    Returns:
        the smallest and the largest rate, in [0, (C - 1)/C]; smallest 0 without an anchor.
    """
    number, agree = np.nonzero(counts)
    weight, level = counts[number, agree], np.arange(1, len(counts))
    images = weight @ (number[:, np.newaxis] >= level)
    ways = np.maximum(comb(number[:, np.newaxis], level), 1)
    unanimous = weight @ (comb(agree[:, np.newaxis], level) / ways)
    usable = np.flatnonzero((images >= weight.sum() / 2) & (unanimous >= FEWEST_UNANIMOUS))
    j = int(level[usable.max(initial=0)])
    share = unanimous[j - 1] / images[j - 1]
    low = 1 - min(1.0, share / unambiguous_share) ** (1 / j) if unambiguous_share > 0 else 0.0
    end = largest_rate(classes)
    return float(min(low, end)), float(min(1 - share ** (1 / j), end))


def estimate_slip_rate(counts: np.ndarray, classes: int, unambiguous_share: float) -> float:
    """The likeliest slip rate, given the share of images on which all who look well give the label.

    A mixture: on that share of the images, votes miss the label only by slips (binomial); on the others the
    share of people who see the label is Beta distributed, and slips come on top. Slips go to all other
    classes evenly. A share stated too high makes ambiguity look like slips, and the rate comes out too high;
    a share stated too low errs the other way, and less.

    Args:
        counts: (K + 1, K + 1) agreement counts, pooled over clients.
        classes: number of classes C.
        unambiguous_share: the stated share, in (0, 1].

    Returns:
        probability in [0, (C - 1)/C] that a vote slips to another class.
    """
    from scipy.optimize import minimize  # here, since it takes an eighth of a second to import

    number, agree = np.nonzero(counts)
    miss, weight = number - agree, counts[number, agree]
    end = largest_rate(classes)
    middle = (EDGES[1:] + EDGES[:-1]) / 2

    def loss(parameters: np.ndarray) -> float:
        rate, (a, b) = parameters[0], np.exp(parameters[1:])
        sees = np.append(middle, 1.0)
        share = np.append((1 - unambiguous_share) * np.diff(betainc(a, b, EDGES)), unambiguous_share)
        says = sees * (1 - rate) + (1 - sees) * rate / (classes - 1)
        logs = xlogy(agree[:, np.newaxis], says) + xlogy(miss[:, np.newaxis], 1 - says)
        top = logs.max(axis=1)  # a single node may be the only one that does not underflow
        return -float(weight @ (top + np.log(np.exp(logs - top[:, np.newaxis]) @ share)))

    low, high = slip_rate_band(counts, classes, unambiguous_share)
    fits = [
        minimize(
            loss,
            (rate, np.log(2.0), 0.0),
            method="Nelder-Mead",
            bounds=[(0, end), (-4, 6), (-4, 6)],
            options={"xatol": 1e-5, "fatol": 1e-6, "maxiter": 2_000},
        )
        for rate in (low, (low + high) / 2)
    ]
    return float(min(fits, key=lambda fit: fit.fun).x[0])
