from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from fedsoft.annotators.aggregation import dawid_skene, one_coin, wawa
from fedsoft.datasets import Annotations
from fedsoft.streams import stream

ALL = pytest.mark.parametrize("aggregate", [dawid_skene, one_coin, wawa])
IMAGES, CLASSES = 2_000, 3


def everyone_answers(confusion, images=IMAGES, shares=(0.5, 0.3, 0.2)):
    """The true classes, and the answers of people with these confusion matrices (R, C, C) to each image."""
    rng = stream("people who answer")
    true = rng.choice(len(shares), images, p=shares)
    people = len(confusion)
    item, annotator = np.repeat(np.arange(images), people), np.tile(np.arange(people), images)
    says = np.cumsum(confusion[annotator, true[item]], axis=1)
    label = (says[:, :-1] < rng.random((len(item), 1))).sum(axis=1)
    return true, Annotations(item, annotator, label)


def even(skills, classes=CLASSES):
    skills = np.asarray(skills)[:, np.newaxis, np.newaxis]
    return np.where(np.eye(classes, dtype=bool), skills, (1 - skills) / (classes - 1))


@pytest.fixture(scope="module")
def biased():
    """Twelve people, each with a confusion matrix of their own."""
    rng = stream("confusions")
    return np.stack(
        [0.6 * np.eye(CLASSES) + 0.4 * rng.dirichlet(np.ones(CLASSES), CLASSES) for _ in range(12)]
    )


def test_dawid_skene_recovers_confusion_matrices(biased):
    true, annotations = everyone_answers(biased)
    found = dawid_skene(annotations, IMAGES, CLASSES)
    # the rarest class has 400 images: a deviation of at most .5/20
    np.testing.assert_allclose(found.confusion, biased, atol=4.5 * 0.5 / 20)
    assert (found.posterior.argmax(axis=1) == true).mean() > 0.98


def test_one_coin_recovers_skills():
    skills = np.linspace(0.45, 0.95, 9)
    true, annotations = everyone_answers(even(skills))
    found = one_coin(annotations, IMAGES, CLASSES)
    np.testing.assert_allclose(found.skill, skills, atol=4.5 * 0.5 / np.sqrt(IMAGES))
    assert (found.posterior.argmax(axis=1) == true).mean() > 0.97


def test_one_coin_and_dawid_skene_agree_on_two_equal_classes_with_even_errors():
    _, annotations = everyone_answers(even(np.linspace(0.6, 0.9, 7), 2), shares=(0.5, 0.5))
    gap = dawid_skene(annotations, IMAGES, 2).posterior - one_coin(annotations, IMAGES, 2).posterior
    assert np.abs(gap).max() < 0.1


@pytest.mark.parametrize("aggregate", [dawid_skene, one_coin])
def test_probabilities_mean_what_they_say(aggregate):
    true, annotations = everyone_answers(even([0.5, 0.55, 0.6, 0.65, 0.7]), images=20_000)
    posterior = aggregate(annotations, 20_000, CLASSES).posterior
    right = posterior.argmax(axis=1) == true
    assert posterior.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.015)


@ALL
def test_a_careless_annotator_counts_less(aggregate):
    true, annotations = everyone_answers(even([0.85, 0.85, 0.85, 1 / 3]))
    found = aggregate(annotations, IMAGES, CLASSES)
    assert found.skill[3] < 0.6 < 0.75 < found.skill[:3].min()
    votes = np.zeros((IMAGES, CLASSES))
    np.add.at(votes, (annotations.item, annotations.label), 1)
    mass = found.posterior[np.arange(IMAGES), true].mean()
    assert mass > (votes / 4)[np.arange(IMAGES), true].mean() + 0.03


def test_wawa_by_hand():
    """Images 0 and 1 have majorities; annotator 2 misses the first of them, and image 2 is a tie of three."""
    answers = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 2]])
    found = wawa(Annotations(np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3), answers.ravel()), 3, 3)
    careful, careless = (1 + 1 + 1 / 3) / 3, (0 + 1 + 1 / 3) / 3
    np.testing.assert_allclose(found.skill, [careful, careful, careless])
    total = 2 * careful + careless
    first, second = 2 * careful / total, careless / total
    np.testing.assert_allclose(
        found.posterior, [[first, second, 0], [0, 1, 0], [careful / total, careful / total, second]]
    )


def test_one_step_of_dawid_skene_by_hand(monkeypatch):
    """Two images, two annotators, who agree on the first and differ on the second."""
    monkeypatch.setattr("fedsoft.annotators.aggregation.MOST_STEPS", 1)
    annotations = Annotations(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1]))
    found = dawid_skene(annotations, 2, 2)
    # shares of votes (1, 0) and (.5, .5): class shares .75 and .25; answers of the first annotator
    # are always 0, of the second 0 with 1/1.5 under class 0 and never under class 1
    np.testing.assert_allclose(found.confusion, [[[1, 0], [1, 0]], [[2 / 3, 1 / 3], [0, 1]]])
    np.testing.assert_allclose(found.posterior[0], [1, 0], atol=1e-9)
    np.testing.assert_allclose(found.posterior[1], [0.5, 0.5])  # .75/3 and .25


@ALL
def test_a_tie_of_equals_stays_a_tie(aggregate):
    answers = np.array([[0, 1], [1, 0], [0, 0], [1, 1]])
    annotations = Annotations(np.repeat(np.arange(4), 2), np.tile([0, 1], 4), answers.ravel())
    posterior = aggregate(annotations, 4, 2).posterior
    np.testing.assert_allclose(posterior[:2], 0.5, atol=1e-6)
    np.testing.assert_array_equal(posterior[2:].argmax(axis=1), [0, 1])


@ALL
def test_names_and_order_of_annotators_do_not_matter(aggregate, biased):
    _, annotations = everyone_answers(biased, images=300)
    rng = stream("renamed")
    names, order = rng.permutation(12), rng.permutation(len(annotations.item))
    moved = replace(
        annotations,
        item=annotations.item[order],
        annotator=names[annotations.annotator][order],
        label=annotations.label[order],
    )
    first, second = aggregate(annotations, 300, CLASSES), aggregate(moved, 300, CLASSES)
    np.testing.assert_allclose(first.posterior, second.posterior, atol=1e-9)
    np.testing.assert_allclose(first.skill, second.skill[names], atol=1e-9)


@ALL
def test_unanimous_people_are_believed(aggregate):
    item = np.repeat(np.arange(6), 3)
    posterior = aggregate(Annotations(item, np.tile([0, 1, 2], 6), item % 3), 6, 3).posterior
    np.testing.assert_allclose(posterior, np.eye(3)[np.arange(6) % 3], atol=1e-9)


@ALL
def test_twenty_people_and_two_thousand_images_take_no_time(aggregate):
    _, annotations = everyone_answers(even(np.linspace(0.5, 0.9, 20)))
    began = perf_counter()
    aggregate(annotations, IMAGES, CLASSES)
    assert perf_counter() - began < 1
