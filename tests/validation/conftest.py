"""A world whose truth is known, whole studies in it at a fraction of a second each, and how to count them.

Few studies by default; all of them with `make validate`, which sets FEDSOFT_REPETITIONS=full.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import binom
from torch import Tensor

from fedsoft.analysis.effects import HALF, example_values, reference_of, seed_values
from fedsoft.analysis.estimates import Estimate, estimate
from fedsoft.analysis.values import Values
from fedsoft.annotators import split_half
from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.datasets import fold_of
from fedsoft.evaluation import build_references, human_strata, soft_labels
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence, supervise
from fedsoft.training import MODELS, Training
from fedsoft.training.steps import plan_steps
from fedsoft.training.update import local_update

Ambiguity = Literal["none", "class", "even", "image"]
People = Callable[[int], tuple[np.ndarray, np.ndarray]]
Part = tuple[np.ndarray, np.ndarray]

CLASSES, IMAGES, FOLDS, SEEDS = 4, 2_000, 5, 10
TRAINING = Training(lr=1.0, batch_size=96, epochs=5)
FULL = os.environ.get("FEDSOFT_REPETITIONS") == "full"


@dataclass(frozen=True)
class World:
    """Images of which everything is known.

    Attributes:
        number: which world of its kind; another number gives other images and people.
        inputs: (N, D) features.
        truth: (N, C) what people who look well see.
        labels: (N,) class indices of the dataset: what most people who look well see.
        votes: (N, C) counts of 40 careful people, half of whom cut strata and half judge in them.
    """

    number: int
    inputs: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    votes: np.ndarray

    def crowd(self, votes: int, slip_rate: float = 0.0, **key: int) -> np.ndarray:
        """(N, C) counts of so many votes an image, each slipping to any other class at the stated rate."""
        rng = stream("crowd", number=self.number, **key)
        return slip(rng.multinomial(votes, self.truth), slip_rate, uniform_others(CLASSES), rng)


def build_world(number: int, ambiguity: Ambiguity, share: float = 0.4, sharpness: float = 2.0) -> World:
    """Points around the corners of a simplex; each coordinate is the evidence for one class.

    Args:
        number: names the world.
        ambiguity: what people see. ``none``: the class of most evidence. ``class``: that class or, for a
            fifth of them, the next one, whatever the image. ``even``: that class or any other evenly, more
            often the one or the other from image to image. ``image``: that class on the clear images, and
            on the blurred ones each class by its evidence.
        share: of the images that are blurred, which the features tell.
        sharpness: how strongly evidence tells on blurred images.
    """
    rng = stream("world", number=number)
    evidence = 1.5 * np.eye(CLASSES)[rng.integers(CLASSES, size=IMAGES)] + rng.normal(size=(IMAGES, CLASSES))
    best, blurred = evidence.argmax(axis=1), rng.random(IMAGES) < share
    seen = np.eye(CLASSES)[best]
    if ambiguity == "class":
        seen = (0.8 * np.eye(CLASSES) + 0.2 * np.roll(np.eye(CLASSES), 1, axis=1))[best]
    elif ambiguity == "even":
        mass = rng.uniform(0.6, 1.0, (IMAGES, 1))
        seen = mass * seen + (1 - mass) * (1 - seen) / (CLASSES - 1)
    elif ambiguity == "image":
        seen = np.where(blurred[:, None], softmax(sharpness * evidence, axis=1), seen)
    inputs = np.column_stack([evidence, blurred[:, None] * evidence, blurred]).astype(np.float32)
    return World(number, inputs, seen, best, rng.multinomial(40, seen))


def train(
    world: World, sources: Sequence[Any], people: People | None = None, paired: bool = True
) -> tuple[Tensor, list[Part]]:
    """Train a linear model on each source in ten seeds; seed s holds out fold s mod 5.

    Args:
        world: the images.
        sources: J label sources, as in a study file.
        people: labels (N,) and votes (N, C) to train on in each seed; by default, the world's.
        paired: whether sources share batch orders and draws, as in every real study.

    Returns:
        predictions (seeds, J, N, C), and each seed's test and validation images.
    """
    model, table, examples, places, orders, parts = MODELS.parse("linear"), [], [], [], [], []
    fold = fold_of(world.labels, FOLDS, stream("folds", number=world.number))
    for seed in range(SEEDS):
        key = {"number": world.number, "seed": seed}
        rest = stream("split", **key).permutation(np.flatnonzero(fold != seed % FOLDS))
        validation, trained = rest[: len(rest) // 10], rest[len(rest) // 10 :]
        parts.append((np.flatnonzero(fold == seed % FOLDS), validation))
        labels, votes = people(seed) if people else (world.labels, world.votes)
        evidence = Evidence(labels[trained], CLASSES, np.zeros_like(trained), votes=votes[trained])
        for arm, source in enumerate(sources):
            named = partial(stream, **key, **({} if paired else {"arm": arm}))
            places.append(np.tile(np.arange(len(trained)) + sum(map(len, table)), (TRAINING.epochs, 1)))
            table.append(supervise(SOURCES.parse(source), evidence, None, named)[0])
            examples.append(trained)
            orders.append(named("batch order"))
    steps, inputs = plan_steps(examples, TRAINING, orders, places), torch.from_numpy(world.inputs)
    shapes = model.shapes(tuple(inputs.shape[1:]), CLASSES)
    start = {name: torch.zeros(len(examples), *shape) for name, shape in shapes.items()}
    targets = torch.from_numpy(np.concatenate(table)).float()
    made, _ = local_update(model, start, inputs, targets, steps, TRAINING, TRAINING.lr)
    probs = model.forward(made, inputs.expand(len(examples), -1, -1)).softmax(-1).double()
    return probs.unflatten(0, (SEEDS, len(sources))), parts


def compare(world: World, names: Sequence[str], probs: Tensor, parts: Sequence[Part]) -> Values:
    """Predictions of named arms, as `train` gives them -> what a study computes its intervals from."""
    labels, votes = torch.from_numpy(world.labels), torch.from_numpy(world.votes)
    references = build_references(labels, CLASSES, votes, stream("modes", number=world.number))
    cut, other = split_half(world.votes, stream("strata halves", number=world.number))
    references[HALF] = soft_labels(torch.from_numpy(other))
    strata = human_strata(torch.from_numpy(cut), stream("strata", number=world.number))
    found = [
        seed_values(
            made[:, test],
            made[:, validation],
            references["label"][validation],
            {name: reference[test] for name, reference in references.items()},
        )
        for made, (test, validation) in zip(probs, parts, strict=True)
    ]
    image = np.concatenate([test for test, _ in parts])
    blind = []
    for test, _ in parts:
        rest = np.setdiff1d(np.arange(len(world.labels)), test)
        blind.append({})
        for name, reference in references.items():
            mean = references[reference_of(name)][rest].mean(dim=0).expand(1, len(test), -1)
            blind[-1] |= {key: row[0] for key, row in example_values(mean, {name: reference[test]}).items()}
    return Values(
        list(names),
        {key: torch.cat([values[key] for values in found], dim=1).numpy() for key in found[0]},
        image,
        image,
        np.repeat(np.arange(len(parts)), [len(test) for test, _ in parts]),
        {name: mask.numpy()[image] for name, mask in strata.items()},
        {key: torch.cat([values[key] for values in blind]).numpy() for key in blind[0]},
    )


def estimated(
    values: Values, baseline: str, metrics: Sequence[str], references: Sequence[str]
) -> list[Estimate]:
    """All effects on some metrics against some references, in every view and stratum."""
    some = {
        key: part
        for key, part in values.values.items()
        if reference_of(key[1]) in references and key[2] in metrics
    }
    return [row for row in estimate(replace(values, values=some), "fedavg", [baseline]) if row.formula]


@pytest.fixture(scope="session")
def build() -> Callable[..., World]:
    """Builds a world."""
    return build_world


@pytest.fixture(scope="session")
def fit() -> Callable[..., tuple[Tensor, list[Part]]]:
    """Trains on a world."""
    return train


@pytest.fixture(scope="session")
def together() -> Callable[..., Values]:
    """Turns predictions into what intervals are computed from."""
    return compare


@pytest.fixture(scope="session")
def effects() -> Callable[..., list[Estimate]]:
    """Estimates effects."""
    return estimated


@pytest.fixture(scope="session")
def study() -> Callable[..., list[Estimate]]:
    """Runs one simulated study: the effects that its sources allow."""

    def run(
        world: World,
        sources: Sequence[Any],
        people: People | None = None,
        metrics: Sequence[str] = ("brier", "signed_gap"),
        references: Sequence[str] = ("label", "vote"),
    ) -> list[Estimate]:
        names = [SOURCES.parse(source).label() for source in sources]
        values = compare(world, names, *train(world, sources, people))
        return estimated(values, names[0], metrics, references)

    return run


@pytest.fixture(scope="session")
def repetitions() -> Callable[[int], range]:
    """Numbers of the simulated studies: 200 in full, else as few as said."""
    return lambda few: range(200 if FULL else few)


@pytest.fixture(scope="session")
def most_misses() -> Callable[[int], int]:
    """The most of n intervals that miss when each does with probability 5 %, at 99 %: 18 of 200."""
    return lambda n: int(binom.ppf(0.99, n, 0.05))


@pytest.fixture(scope="session")
def show() -> Callable[[str, Counter[tuple[str, ...]], int], None]:
    """Prints how often anything was claimed, for `make validate`."""

    def line(what: str, claimed: Counter[tuple[str, ...]], of: int) -> None:
        (where, most), *_ = claimed.most_common(1)
        mean = sum(claimed.values()) / len(claimed)
        print(f"{what}: claimed in {mean:.1f} of {of} on average, at most {most} ({', '.join(where)})")

    return line
