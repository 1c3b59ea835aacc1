import warnings
from dataclasses import replace

import numpy as np
import pytest

from fedsoft.annotators.aggregation import dawid_skene, glad, mace, one_coin, wawa
from fedsoft.datasets import Annotations
from fedsoft.errors import DataError, FedsoftWarning
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise

METHODS = {"dawid_skene": dawid_skene, "one_coin": one_coin, "wawa": wawa, "mace": mace, "glad": glad}


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
    with pytest.raises(DataError, match=rf"'{name}' needs to know who gave each answer.*`annotator_labels`"):
        targets(name, replace(people, annotations=None))


@pytest.mark.parametrize("name", METHODS)
def test_people_too_few_answers_of_whom_are_known_are_told(name, people):
    """Of five people with 60 answers each, some become sixty who answered once."""
    needed = SOURCES.parse(name).enough_answers(3)

    def with_strangers(some):
        told = people.annotations
        annotator = np.where(told.annotator < some, 5 + np.arange(len(told.item)), told.annotator)
        return replace(people, annotations=replace(told, annotator=annotator))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        targets(name, people)
        targets(name, with_strangers(2))  # two in five answers are of strangers
    with pytest.warns(FedsoftWarning, match=f"fewer than {needed} each, too few for label source '{name}'"):
        targets(name, with_strangers(3))


def test_the_words_of_a_warning_are_the_same_for_every_run(people):
    """Python tells what it has told once no more."""
    texts = set()
    for rows in (40, 60):
        kept = people.subset(np.arange(rows))
        alone = replace(kept.annotations, annotator=np.arange(len(kept.annotations.item)))
        with pytest.warns(FedsoftWarning) as told:
            targets("mace", replace(kept, annotations=alone))
        texts |= {str(warning.message) for warning in told}
    assert len(texts) == 1
