from dataclasses import replace

import numpy as np
import pytest

from fedsoft.annotators.aggregation import dawid_skene, one_coin, wawa
from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise

METHODS = {"dawid_skene": dawid_skene, "one_coin": one_coin, "wawa": wawa}


@pytest.fixture
def people(evidence):
    """60 images and 5 annotators, of whom the last answers at random."""
    rng = stream("who said what")
    labels = rng.integers(0, 3, 60)
    answers = np.where(
        rng.random((60, 5)) < [0.9, 0.9, 0.9, 0.9, 0], labels[:, None], rng.integers(0, 3, (60, 5))
    )
    votes = (answers[..., None] == np.arange(3)).sum(axis=1)
    item, annotator = np.indices(answers.shape).reshape(2, -1)
    return replace(evidence(votes, labels), annotations=Annotations(item, annotator, answers.ravel()))


def targets(name, evidence):
    return supervise(SOURCES.parse(name), evidence, None, lambda purpose: stream(purpose))


@pytest.mark.parametrize("name", METHODS)
def test_the_target_is_the_posterior_and_costs_all_votes(name, people):
    rows, answers = targets(name, people)
    np.testing.assert_array_equal(rows, METHODS[name](people.annotations, 60, 3).posterior)
    np.testing.assert_array_equal(answers, people.votes)
    assert (rows.argmax(axis=1) == people.labels).mean() > 0.95


@pytest.mark.parametrize("name", METHODS)
def test_counts_alone_are_not_enough(name, people):
    with pytest.raises(DataError, match=rf"'{name}' needs single annotations.*`annotator_labels`"):
        targets(name, replace(people, annotations=None))
