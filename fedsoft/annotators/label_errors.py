"""Wrong labels planted where people would err, so that correcting them can be measured."""

import numpy as np

UNANIMOUS_WEIGHT = 0.01
"""What an image whose votes all name its label weighs among those that may be hit: like one astray in 100."""


def plant_label_errors(
    labels: np.ndarray, votes: np.ndarray, rate: float, rng: np.random.Generator
) -> np.ndarray:
    """Labels of which some are wrong, as one hurried annotator's would be.

    Which images are hit is drawn without replacement, with weights that are the share of votes off the label
    plus ``UNANIMOUS_WEIGHT``. Their label becomes another class, drawn from the image's votes off the label;
    where there are none, from such votes on all images of its label; where there are none either, evenly.
    Wrong means other than the label that was given, even where that was not people's first choice.

    Args:
        labels: (N,) class indices.
        votes: (N, C) counts.
        rate: share of labels that become wrong, in [0, 1).
        rng: draws images and classes. Errors at one rate are among those at any higher one.

    Returns:
        (N,) class indices; exactly ``round(rate * N)`` differ from ``labels``.
    """
    places = np.arange(len(labels))
    astray = votes.astype(float)
    astray[places, labels] = 0
    share = astray.sum(axis=1) / np.maximum(votes.sum(axis=1), 1)
    # The first arrivals of exponential clocks are a weighted draw without replacement (Efraimidis and
    # Spirakis 2006), in an order that does not depend on the rate.
    order = np.argsort(rng.exponential(size=len(labels)) / (share + UNANIMOUS_WEIGHT), kind="stable")
    hit = order[: round(rate * len(labels))]
    wrong = labels.copy()
    wrong[hit] = _other_classes(astray, labels, rng.random(len(labels)))[hit]
    return wrong


def _other_classes(astray: np.ndarray, labels: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """(N,) a class for each image by its votes off the label (N, C) and a uniform draw (N,) in [0, 1)."""
    by_class = np.zeros((astray.shape[1], astray.shape[1]))
    np.add.at(by_class, labels, astray)
    even = 1 - np.eye(len(by_class))
    by_class = np.where(by_class.any(axis=1, keepdims=True), by_class, even)
    below = np.where(astray.any(axis=1, keepdims=True), astray, by_class[labels]).cumsum(axis=1)
    classes: np.ndarray = (below / below[:, -1:] <= draws[:, np.newaxis]).sum(axis=1)
    return classes
