"""A simulated crowd: annotators who remember some images and see new ones imperfectly."""

import numpy as np

from fedsoft.streams import stream

# Chosen so that 18 annotators resemble CIFAR-10H's crowd: a vote right 94 %, half the images unanimous.
SHIFT = 0.1  # pixels, standard deviation for an annotator of middling care
NOISE = 0.17  # of the full brightness
CONTRAST = 0.3  # standard deviation of the contrast's logarithm
CARELESSNESS = (0.3, 1.7)  # factor on the three above, spread evenly over annotators
EXPERIENCE = (0.3, 0.9)  # share of the other images that an annotator remembers


def simulate_crowd(images: np.ndarray, labels: np.ndarray, annotators: int, seed: int) -> np.ndarray:
    """One answer of each simulated annotator to each image.

    An annotator has seen a random subset of the images with their labels, sees each image through
    perceptual noise (a small shift, a change of contrast, pixel noise) and answers with the label of
    the most similar remembered image, never the image itself. So the crowd disagrees where images
    look like those of another class, and annotators differ in care and experience.

    Args:
        images: (N, H, W) brightness in [0, 1].
        labels: (N,) class indices.
        annotators: number R of simulated people.
        seed: names the crowd; another seed gives other people.

    Returns:
        (N, R) int64 class indices.
    """
    rng = stream("simulated crowd", seed=seed)
    low, high = CARELESSNESS
    carelessness = low + (high - low) * (rng.permutation(annotators) + 0.5) / annotators
    answers = np.empty((len(images), annotators), dtype=np.int64)
    for annotator in range(annotators):
        rng = stream("simulated annotator", seed=seed, annotator=annotator)
        size = max(2, round(len(images) * rng.uniform(*EXPERIENCE)))
        memory = rng.choice(len(images), size, replace=False)
        seen = _perceive(images, carelessness[annotator], rng)
        answers[:, annotator] = _recall(seen, images, memory, labels)
    return answers


def _perceive(images: np.ndarray, carelessness: float, rng: np.random.Generator) -> np.ndarray:
    """(N, H, W) what one annotator sees of each image."""
    seen = images.astype(np.float32)
    for axis in (1, 2):
        shift = np.clip(rng.normal(0, SHIFT * carelessness, (len(images), 1, 1)), -1, 1)
        back, here, ahead = np.maximum(-shift, 0), 1 - np.abs(shift), np.maximum(shift, 0)
        seen = back * _neighbour(seen, axis, -1) + here * seen + ahead * _neighbour(seen, axis, 1)
    contrast = np.exp(rng.normal(0, CONTRAST * carelessness, (len(images), 1, 1)))
    return contrast * seen + rng.normal(0, NOISE * carelessness, seen.shape)


def _neighbour(images: np.ndarray, axis: int, step: int) -> np.ndarray:
    """Each pixel's neighbour along an axis, dark beyond the edge."""
    moved = np.roll(images, -step, axis)
    edge: list[slice | int] = [slice(None)] * images.ndim
    edge[axis] = -1 if step > 0 else 0
    moved[tuple(edge)] = 0
    return moved


def _recall(seen: np.ndarray, images: np.ndarray, memory: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) the label of the remembered image that correlates most with what is seen."""
    remembered = images[memory].reshape(len(memory), -1).astype(np.float32)
    remembered -= remembered.mean(axis=1, keepdims=True)
    remembered /= np.maximum(np.linalg.norm(remembered, axis=1, keepdims=True), 1e-12)
    similarity = seen.reshape(len(seen), -1).astype(np.float32) @ remembered.T
    similarity[memory, np.arange(len(memory))] = -np.inf
    return labels[memory[similarity.argmax(axis=1)]]
