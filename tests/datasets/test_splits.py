import numpy as np
import pytest

from fedsoft.datasets import fold_of
from fedsoft.errors import DataError
from fedsoft.streams import stream

LABELS = np.repeat([0, 1, 2, 3], [100, 53, 7, 1])


def test_folds_and_classes_within_them_are_even():
    folds = fold_of(LABELS, 5, stream("folds"))
    assert np.ptp(np.bincount(folds, minlength=5)) <= 1
    for c in range(4):
        assert np.ptp(np.bincount(folds[c == LABELS], minlength=5)) <= 1


def test_each_image_lands_in_each_fold_equally_often():
    folds = np.array([fold_of(LABELS, 5, stream("folds", seed=seed)) for seed in range(1000)])
    share = np.mean(folds[:, :100] == 2, axis=0)  # of 100 images, 20 to a fold
    assert abs(share - 0.2).max() < 4.5 * np.sqrt(0.2 * 0.8 / 1000)


@pytest.mark.parametrize("n_folds", [1, 162])
def test_too_few_or_too_many_folds(n_folds):
    with pytest.raises(DataError, match="choose 2 to 161"):
        fold_of(LABELS, n_folds, stream("folds"))


def test_people_are_whole_and_folds_about_even():
    """Of people with one to six items each, in skewed classes: folds and classes within a few per cent."""
    rng = stream("people")
    people = np.repeat(np.arange(400), rng.integers(1, 7, 400))
    labels = (rng.random(len(people)) < 0.1 + 0.5 * (people % 3 == 0)).astype(int)
    folds = fold_of(labels, 5, stream("folds"), people)
    assert all(len(set(folds[people == person])) == 1 for person in range(400))
    for some in (folds, folds[labels == 0], folds[labels == 1]):
        np.testing.assert_allclose(np.bincount(some), len(some) / 5, rtol=0.03)


def test_a_person_of_one_item_each_lands_in_each_fold_equally_often():
    people = np.arange(len(LABELS))
    folds = np.array([fold_of(LABELS, 5, stream("folds", seed=seed), people) for seed in range(300)])
    assert abs(np.mean(folds[:, :100] == 2, axis=0) - 0.2).max() < 4.5 * np.sqrt(0.2 * 0.8 / 300)


def test_fewer_people_than_folds():
    with pytest.raises(DataError, match="3 people cannot be cut into 5 folds; choose 2 to 3"):
        fold_of(LABELS, 5, stream("folds"), np.arange(len(LABELS)) % 3)
