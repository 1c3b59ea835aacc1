"""Small made-up data of the kinds that people have."""

from collections.abc import Callable

import numpy as np
import pytest

from fedsoft.streams import stream

NAMES = np.array(["cat", "dog", "bird", "ship"])


@pytest.fixture
def made() -> Callable[..., dict[str, np.ndarray]]:
    """Builds arrays: features that tell the classes apart, true labels, and votes of people who err."""

    def build(items: int = 240, classes: int = 3, votes: int = 5, skill: float = 0.7, people: int = 0):
        rng = stream("made data")
        labels = np.arange(items) % classes
        features = np.eye(classes)[labels] * 2 + rng.normal(size=(items, classes))
        chance = np.full((items, classes), (1 - skill) / (classes - 1))
        chance[np.arange(items), labels] = skill
        answers = np.array([rng.choice(classes, votes, p=row) for row in chance])
        arrays = {"features": features, "labels": labels}
        if people:
            who = np.array([rng.choice(people, votes, replace=False) for _ in range(items)])
            return arrays | {"annotator_labels": answers, "annotator_ids": who}
        if votes:
            arrays["votes"] = np.array([np.bincount(row, minlength=classes) for row in answers])
        return arrays

    return build
