import numpy as np
import pytest

from fedsoft.annotators import plant_label_errors
from fedsoft.annotators.label_errors import UNANIMOUS_WEIGHT
from fedsoft.streams import stream

VOTES = np.array([[10, 0, 0], [6, 3, 1], [0, 8, 2], [0, 0, 10]])
LABELS = np.array([0, 0, 1, 2])


def crowd(images):
    """Copies of the table, image i being the row i % 4."""
    return np.tile(LABELS, images // 4), np.tile(VOTES, (images // 4, 1))


@pytest.mark.parametrize("rate", [0, 0.1, 0.25, 0.333, 0.6, 0.99])
def test_exactly_the_share_asked_for_is_wrong(rate):
    labels, votes = crowd(400)
    before = labels.copy()
    wrong = plant_label_errors(labels, votes, rate, stream("errors"))
    assert (wrong != labels).sum() == round(rate * 400)
    np.testing.assert_array_equal(labels, before)
    assert ((wrong >= 0) & (wrong < 3)).all()


def test_images_are_hit_in_proportion_to_the_votes_off_their_label():
    labels, votes = crowd(400_000)
    hit = plant_label_errors(labels, votes, 0.01, stream("errors")) != labels
    weights = np.array([0, 0.4, 0.2, 0]) + UNANIMOUS_WEIGHT
    expected = weights / weights.sum()
    shares = np.bincount(np.flatnonzero(hit) % 4, minlength=4) / hit.sum()
    np.testing.assert_allclose(shares, expected, atol=0.03)  # over 4 standard errors of 4,000 draws


def test_wrong_classes_are_those_that_people_chose():
    """Image 0 has no vote off its label, so that of image 1, its label's other image, decide: 3 to 1."""
    labels, votes = crowd(40_000)
    wrong = plant_label_errors(labels, votes, 0.99, stream("errors"))
    for row, expected in enumerate([[0, 3, 1], [0, 3, 1], [0, 0, 1], [1, 1, 0]]):
        mine = wrong[(np.arange(40_000) % 4 == row) & (wrong != labels)]
        shares = np.bincount(mine, minlength=3) / len(mine)
        np.testing.assert_allclose(shares, np.array(expected) / sum(expected), atol=0.02)


def test_where_nobody_chose_another_class_all_are_as_likely():
    labels = np.zeros(3_000, dtype=int)
    wrong = plant_label_errors(labels, np.tile([5, 0, 0], (3_000, 1)), 0.5, stream("errors"))
    np.testing.assert_allclose(np.bincount(wrong) / 3_000, [0.5, 0.25, 0.25], atol=0.03)


def test_a_higher_rate_adds_errors_and_keeps_those_there_are():
    labels, votes = crowd(400)
    few, many = (plant_label_errors(labels, votes, rate, stream("errors")) for rate in (0.05, 0.2))
    np.testing.assert_array_equal(many[few != labels], few[few != labels])


def test_another_stream_hits_other_images():
    labels, votes = crowd(400)
    one, other = (plant_label_errors(labels, votes, 0.1, stream("errors", seed=s)) for s in (0, 1))
    assert (one != other).any()
