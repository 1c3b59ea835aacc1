import time

import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.datasets.simulated_crowd import simulate_crowd
from fedsoft.errors import DataError
from fedsoft.streams import stream


@pytest.fixture(scope="module")
def digits():
    return DATASETS.parse("digits").load()


def entropy(votes):
    share = votes / votes.sum(axis=1, keepdims=True)
    return -(share * np.log(np.where(share > 0, share, 1))).sum(axis=1)


def test_shapes_and_ranges(digits):
    assert digits.inputs.shape == (1797, 64)
    assert (digits.inputs.min(), digits.inputs.max()) == (0, 1)
    assert digits.crowd_name == "simulated crowd"
    assert (digits.votes.sum(axis=1) == 18).all()


def test_they_are_scikit_learns(digits):
    from sklearn.datasets import load_digits

    theirs = load_digits()
    np.testing.assert_array_equal(digits.inputs, (theirs.data / 16).astype(np.float32))
    np.testing.assert_array_equal(digits.labels, theirs.target)


def test_without_scikit_learn_they_say_so(monkeypatch):
    monkeypatch.setattr("fedsoft.datasets.digits.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install scikit-learn"):
        DATASETS.parse("digits").load()


def test_images_are_the_features_in_eight_bits(digits):
    images = DATASETS.parse({"name": "digits", "inputs": "images"}).load().inputs
    assert (images.shape, images.dtype) == ((1797, 8, 8, 1), np.uint8)
    np.testing.assert_allclose(images.reshape(1797, 64) / 255, digits.inputs, atol=0.5 / 255 + 1e-6)


def test_single_annotations_add_up_to_the_votes(digits):
    counts = np.zeros_like(digits.votes)
    np.add.at(counts, (digits.annotations.item, digits.annotations.label), 1)
    np.testing.assert_array_equal(counts, digits.votes)
    assert (np.bincount(digits.annotations.annotator) == 1797).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_crowd_resembles_that_of_cifar10h(seed):
    data = DATASETS.parse({"name": "digits", "seed": seed}).load()
    right = data.votes[np.arange(len(data)), data.labels].sum() / data.votes.sum()
    unanimous = np.mean(data.votes.max(axis=1) == 18)
    shifted = np.mean(data.votes.argmax(axis=1) != data.labels)
    assert 0.93 < right < 0.96
    assert 0.35 < unanimous < 0.60
    assert 0.01 < shifted < 0.02


def test_annotators_differ_in_skill(digits):
    a = digits.annotations
    skill = np.bincount(a.annotator, weights=a.label == digits.labels[a.item]) / len(digits)
    assert skill.max() - skill.min() > 0.08  # chance alone: .03 between the extremes of 18


def test_the_seed_names_the_crowd(digits):
    again = DATASETS.parse({"name": "digits", "seed": 0}).load()
    other = DATASETS.parse({"name": "digits", "seed": 1}).load()
    np.testing.assert_array_equal(again.votes, digits.votes)
    assert (other.votes != digits.votes).any()
    np.testing.assert_array_equal(other.inputs, digits.inputs)


def test_an_image_is_never_its_own_memory():
    # Two images, each the only one of its class: whoever may not look itself up must answer with the other.
    images = np.zeros((2, 4, 4))
    images[0, :2] = images[1, 2:] = 1
    answers = simulate_crowd(images, np.array([0, 1]), annotators=20, seed=0)
    np.testing.assert_array_equal(answers, np.tile([[1], [0]], 20))


def test_it_is_quick():
    images = stream("pixels").random((1797, 8, 8))
    start = time.perf_counter()
    simulate_crowd(images, np.arange(1797) % 10, annotators=18, seed=0)
    assert time.perf_counter() - start < 2


def test_entropy_predicts_the_errors_of_a_model_that_never_saw_a_vote(digits):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(LogisticRegression(max_iter=300), digits.inputs, digits.labels, cv=folds)
    wrong, real = predicted != digits.labels, entropy(digits.votes)
    rng = stream("permutation")
    shuffled = []
    for _ in range(20):
        permuted = real.copy()
        for c in range(10):
            of_class = np.flatnonzero(digits.labels == c)
            permuted[of_class] = real[rng.permutation(of_class)]
        shuffled.append(roc_auc_score(wrong, permuted))
    assert roc_auc_score(wrong, real) > 0.75
    assert roc_auc_score(wrong, real) > max(shuffled) + 0.1
