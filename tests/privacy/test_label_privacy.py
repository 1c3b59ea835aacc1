import math

import numpy as np
import pytest

from fedsoft.errors import DataError
from fedsoft.privacy import LabelPrivacy, project_to_simplex, randomize, unbias
from fedsoft.streams import stream

VOTES = np.array([[7, 2, 1], [0, 2, 0], [3, 1, 1]])


def test_epsilon_protects_one_vote():
    spent = LabelPrivacy(epsilon=0.5).spent(VOTES)
    assert (spent["epsilon_per_vote_max"], spent["epsilon_per_vote_mean"]) == (0.5, 0.5)
    assert spent["epsilon_per_image_max"] == 5  # 10 votes
    assert spent["epsilon_per_image_mean"] == pytest.approx(0.5 * (10 + 2 + 5) / 3)


def test_epsilon_protects_an_image_as_a_whole():
    spent = LabelPrivacy(epsilon=2, unit="image").spent(VOTES)
    assert spent["epsilon_per_image_max"] == pytest.approx(2)
    assert spent["epsilon_per_image_mean"] == pytest.approx(2)
    assert spent["epsilon_per_vote_max"] == 1  # two votes share it
    assert spent["epsilon_per_vote_mean"] == pytest.approx((0.2 + 1 + 0.4) / 3)


def test_apply_is_randomize_unbias_project():
    expected = project_to_simplex(unbias(randomize(VOTES, 1.0, stream("privacy")), 1.0))
    np.testing.assert_array_equal(LabelPrivacy(epsilon=1).apply(VOTES, stream("privacy")), expected)


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_without_projection_it_is_unbiased(unit):
    privacy = LabelPrivacy(epsilon=3, unit=unit, project=False)
    soft = privacy.apply(np.repeat(VOTES, 20_000, axis=0), stream("privacy")).reshape(3, 20_000, 3)
    error = soft.std(axis=1) / np.sqrt(20_000)
    assert (abs(soft.mean(axis=1) - VOTES / VOTES.sum(axis=1, keepdims=True)) < 5 * error).all()


def test_with_projection_it_is_on_the_simplex():
    soft = LabelPrivacy(epsilon=0.2).apply(np.repeat(VOTES, 100, axis=0), stream("privacy"))
    assert soft.min() >= 0
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_infinite_epsilon_is_the_human_soft_label(unit):
    privacy = LabelPrivacy(epsilon=math.inf, unit=unit)
    soft = privacy.apply(VOTES, stream("privacy"))
    np.testing.assert_allclose(soft, VOTES / VOTES.sum(axis=1, keepdims=True), atol=1e-12)
    assert privacy.spent(VOTES)["epsilon_per_image_max"] == math.inf


@pytest.mark.parametrize("epsilon", [0, -1, math.nan])
def test_epsilon_must_be_positive(epsilon):
    with pytest.raises(ValueError, match=r"epsilon: input should be greater than or equal to 0.000001"):
        LabelPrivacy.parse({"epsilon": epsilon})


def test_names_the_first_image_without_votes():
    with pytest.raises(DataError, match="image 1 has no vote"):
        LabelPrivacy(epsilon=1).apply(np.array([[1, 0], [0, 0]]), stream("privacy"))
