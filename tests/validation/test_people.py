"""People are a third source of chance: those whose answers judge, and those whose answers train.

Two arms see one of two features each, in a world that stays the same when the features change places, so that
neither arm is better. People weigh the features by their own lights, so that whoever they happen to be favours
one arm or the other.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import expit

from fedsoft.analysis.effects import EACH, seed_values
from fedsoft.analysis.estimates import estimate
from fedsoft.analysis.values import Values
from fedsoft.datasets import Annotations
from fedsoft.evaluation import Judges, build_references, human_strata
from fedsoft.scenarios import PARTITIONS, deal
from fedsoft.streams import stream

IMAGES, ANSWERS, FOLDS, SEEDS = 2_000, 5, 5, 16
QUIRK = 0.7
"""Standard deviation of how much more, or less, than others a person makes of a feature."""
CLIENTS, SETS = 20, 8
"""People who train in a seed, and sets of them."""


@dataclass(frozen=True)
class Divided:
    """Images of two features, their labels, and who answered what: each image has answers of five people."""

    number: int
    inputs: np.ndarray
    labels: np.ndarray
    answers: Annotations

    @property
    def votes(self) -> np.ndarray:
        """(N, 2) counts."""
        named = self.answers.item * 2 + self.answers.label
        return np.bincount(named, minlength=2 * IMAGES).reshape(IMAGES, 2)


def divided(number: int, people: int) -> Divided:
    """A world with so many people, some of whom answer far more than others."""
    rng = stream("divided world", number=number, people=people)
    inputs = rng.normal(size=(IMAGES, 2))
    labels = rng.random(IMAGES) < expit(6 * inputs.sum(axis=1))
    rate = np.log(rng.lognormal(sigma=0.7, size=people))
    # the largest of rates plus Gumbel noise are draws without replacement in proportion to the rates
    person = np.argsort(rate + rng.gumbel(size=(IMAGES, people)), axis=1)[:, -ANSWERS:]
    own = 1 + QUIRK * rng.normal(size=(people, 2))
    answer = rng.random((IMAGES, ANSWERS)) < expit(2 * (own[person] * inputs[:, None]).sum(axis=-1))
    item = np.repeat(np.arange(IMAGES), ANSWERS)
    return Divided(
        number, inputs, labels.astype(int), Annotations(item, person.ravel(), answer.ravel().astype(int))
    )


def fitted(inputs: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(2, N, 2) what two arms forecast for all images: least squares of answers (A,) on one feature each.

    Args:
        inputs: (N, 2) features; those of the answers are its first A rows.
        answers: (A,) in 0 and 1.
    """
    made = []
    for feature in inputs.T:
        design = np.stack([np.ones_like(feature), feature], axis=1)
        found = np.linalg.lstsq(design[: len(answers)], answers, rcond=None)[0]
        one = (design @ found).clip(0.02, 0.98)
        made.append(np.stack([1 - one, one], axis=1))
    return np.stack(made)


def simulated(world: Divided, partition: dict | str, judges: bool) -> Values:
    """A study in sixteen seeds: clients of a partition, or one who has all labels, train two arms."""
    parts, images, seeds, sets = [], [], [], []
    fold = stream("folds of the divided", number=world.number).permutation(IMAGES) % FOLDS
    references = build_references(
        torch.from_numpy(world.labels), 2, torch.from_numpy(world.votes), stream("m", n=world.number)
    )
    strata = human_strata(torch.from_numpy(world.votes), stream("strata", number=world.number))
    chosen = PARTITIONS.parse(partition)
    known = world.answers.item, world.answers.label, world.answers.annotator
    for seed in range(SEEDS):
        tested = fold == seed % FOLDS
        named = partial(stream, seed=seed, number=world.number)
        item, label = np.arange(IMAGES), world.labels
        if chosen.overlaps:
            among = chosen.may_be_clients(world.answers, seed)
            dealt = deal(
                world.labels, ~tested, tested, chosen, CLIENTS, named, answers=world.answers, among=among
            )
            trains = dealt.team[world.answers.annotator] >= 0
            item, label = world.answers.item[trains], world.answers.label[trains]
            sets.append(chosen.set_of(seed))
        kept = ~tested[item] & (named("training").random(len(item)) < 0.8)
        item, label = item[kept], label[kept]
        test = np.flatnonzero(tested)
        probs = fitted(np.concatenate([world.inputs[item], world.inputs[test]]), label)[:, len(item) :]
        parts.append(
            seed_values(
                torch.from_numpy(probs), None, None,
                {name: rows[test] for name, rows in references.items()},
                judges={"vote": Judges.of(test, *known, 2)},
            )
        )  # fmt: skip
        images.append(test)
        seeds.append(np.full(len(test), seed))
    image = np.concatenate(images)
    found = {
        key: torch.cat([part[key] for part in parts], dim=1).numpy()
        for key in parts[0]
        if key[0] == "raw" and key[1] != "mode" and key[2] in ("brier", "signed_gap")
    }
    return Values(
        ["first", "second"],
        {key: rows for key, rows in found.items() if key[1] != EACH["vote"]},
        image,
        image,
        np.concatenate(seeds),
        {name: mask.numpy()[image] for name, mask in strata.items()},
        sets=np.repeat(sets, [len(rows) for rows in images]) if sets and sets[0] is not None else None,
        judges={"vote": Judges.of(image, *known, 2)} if judges else {},
        answered={("raw", "vote", m): found["raw", EACH["vote"], m] for m in ("brier", "signed_gap")}
        if judges
        else {},
    )
