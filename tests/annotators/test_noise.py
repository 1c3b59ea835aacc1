import numpy as np
import pytest

from fedsoft.annotators import NOISES
from fedsoft.annotators.noise import confusion, slip, uniform_others
from fedsoft.errors import DataError
from fedsoft.streams import stream

N = 50_000
VOTES = np.tile([[5, 0, 1], [0, 0, 9], [2, 2, 2]], (N, 1))
LABELS = np.tile([0, 2, 1], N)


def spelling(name):
    return {"name": name} if name == "none" else {"name": name, "rate": 0.3}


@pytest.mark.parametrize("name", NOISES.names())
def test_totals_are_kept_and_the_input_too(name):
    votes = VOTES.copy()
    noisy = NOISES.parse(spelling(name)).apply(votes, LABELS, stream("noise"))
    np.testing.assert_array_equal(votes, VOTES)
    np.testing.assert_array_equal(noisy.sum(axis=1), VOTES.sum(axis=1))
    assert noisy.min() >= 0


@pytest.mark.parametrize("name", NOISES.names())
def test_no_rate_is_no_noise(name):
    noise = NOISES.parse({**spelling(name), **({} if name == "none" else {"rate": 0})})
    np.testing.assert_array_equal(noise.apply(VOTES, LABELS, stream("noise")), VOTES)


@pytest.mark.parametrize("name", NOISES.names())
def test_options_round_trip(name):
    noise = NOISES.parse(spelling(name))
    assert NOISES.parse(noise.dump()) == noise


def test_slips_by_hand():
    # 5, 0, 1 votes at rate .4: class 0 keeps 5 x .6 and gets .2 of the others' 1
    noisy = NOISES.parse({"name": "slips", "rate": 0.4}).apply(VOTES, LABELS, stream("noise"))
    np.testing.assert_allclose(noisy[::3].mean(axis=0), [3.2, 1.2, 1.6], atol=5 * 1.2 / np.sqrt(N))


def test_a_slip_never_stays():
    noisy = NOISES.parse({"name": "slips", "rate": 1}).apply(VOTES, LABELS, stream("noise"))
    assert (noisy[1::3, 2] == 0).all()


def test_confusion_by_hand():
    # images labelled 0: 5/6, 0, 1/6; labelled 1: even; labelled 2: all 2
    matrix = [[5 / 6, 0, 1 / 6], [1 / 3, 1 / 3, 1 / 3], [0, 0, 1]]
    np.testing.assert_allclose(confusion(VOTES, LABELS), matrix, rtol=1e-9)
    # so 0 slips to 2 only; 1 to both; 2, never confused, to none
    noisy = NOISES.parse({"name": "confusion", "rate": 0.5}).apply(VOTES, LABELS, stream("noise"))
    np.testing.assert_allclose(noisy[::3].mean(axis=0), [2.5, 0, 3.5], atol=5 * 1.2 / np.sqrt(N))
    np.testing.assert_array_equal(noisy[1::3], np.tile([0, 0, 9], (N, 1)))
    np.testing.assert_allclose(noisy[2::3].mean(axis=0), [1.5, 1.0, 3.5], atol=5 * 1.2 / np.sqrt(N))


def test_confusion_of_a_label_without_images_is_zero():
    assert (confusion(np.array([[1, 1, 0]]), np.array([0]))[1:] == 0).all()


def test_a_given_matrix_is_scaled_and_its_diagonal_ignored():
    noise = NOISES.parse({"name": "confusion", "rate": 1, "matrix": [[9, 3, 1], [0, 7, 2], [5, 0, 0]]})
    noisy = noise.apply(VOTES, LABELS, stream("noise"))
    np.testing.assert_array_equal(noisy[1::3], np.tile([9, 0, 0], (N, 1)))
    np.testing.assert_allclose(noisy[::3].mean(axis=0), [1, 3.75, 1.25], atol=5 * 1 / np.sqrt(N))


def test_rows_without_others_stay_untouched():
    """Asymmetric noise on one class: 0 slips to 1, and votes for 1 and 2 are written down as they are."""
    noise = NOISES.parse({"name": "confusion", "rate": 1, "matrix": [[0, 1, 0], [0, 0, 0], [0, 0, 3]]})
    noisy = noise.apply(VOTES, LABELS, stream("noise"))
    np.testing.assert_array_equal(noisy[:3], [[0, 5, 1], [0, 0, 9], [0, 4, 2]])


@pytest.mark.parametrize(
    ("matrix", "words"),
    [([[0, 1], [1, 0, 0]], "as many columns as rows"), ([[0, -1], [1, 0]], "not negative")],
)
def test_a_bad_matrix_is_refused(matrix, words):
    with pytest.raises(ValueError, match=words):
        NOISES.parse({"name": "confusion", "rate": 0.1, "matrix": matrix})


def test_a_matrix_for_other_classes_is_refused():
    noise = NOISES.parse({"name": "confusion", "rate": 0.1, "matrix": [[0, 1], [1, 0]]})
    with pytest.raises(DataError, match="for 2 classes, but the votes have 3"):
        noise.apply(VOTES, LABELS, stream("noise"))


def test_each_image_may_have_its_own_rate():
    moved = slip(np.array([[4, 0], [4, 0]]), np.array([0.0, 1.0]), uniform_others(2), stream("slip"))
    np.testing.assert_array_equal(moved, [[4, 0], [0, 4]])
