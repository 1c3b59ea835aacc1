import math

import numpy as np
import pytest

from fedsoft.errors import DataError
from fedsoft.privacy import Answers, RandomizedResponse
from fedsoft.privacy.labels.randomized_response import randomize, unbias
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.streams import stream

VOTES = np.array([[7, 2, 1], [0, 2, 0], [3, 1, 1]])


def asked(votes=VOTES):
    return Answers(votes, np.zeros(len(votes), dtype=np.int64))


def test_epsilon_protects_one_vote():
    spent = RandomizedResponse(epsilon=0.5).spent(asked())
    assert (spent["epsilon_per_vote_max"], spent["epsilon_per_vote_mean"]) == (0.5, 0.5)
    assert spent["epsilon_per_image_max"] == 5  # 10 votes
    assert spent["epsilon_per_image_mean"] == pytest.approx(0.5 * (10 + 2 + 5) / 3)


def test_epsilon_protects_an_image_as_a_whole():
    spent = RandomizedResponse(epsilon=2, unit="image").spent(asked())
    assert spent["epsilon_per_image_max"] == pytest.approx(2)
    assert spent["epsilon_per_image_mean"] == pytest.approx(2)
    assert spent["epsilon_per_vote_max"] == 1  # two votes share it
    assert spent["epsilon_per_vote_mean"] == pytest.approx((0.2 + 1 + 0.4) / 3)


def test_apply_is_randomize_unbias_project():
    expected = project_to_simplex(unbias(randomize(VOTES, 1.0, stream("privacy")), 1.0))
    np.testing.assert_array_equal(RandomizedResponse(epsilon=1).apply(asked(), stream("privacy")), expected)


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_without_projection_it_is_unbiased(unit):
    privacy = RandomizedResponse(epsilon=3, unit=unit, project=False)
    soft = privacy.apply(asked(np.repeat(VOTES, 20_000, axis=0)), stream("privacy")).reshape(3, 20_000, 3)
    error = soft.std(axis=1) / np.sqrt(20_000)
    assert (abs(soft.mean(axis=1) - VOTES / VOTES.sum(axis=1, keepdims=True)) < 5 * error).all()


def test_with_projection_it_is_on_the_simplex():
    soft = RandomizedResponse(epsilon=0.2).apply(asked(np.repeat(VOTES, 100, axis=0)), stream("privacy"))
    assert soft.min() >= 0
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_infinite_epsilon_is_the_human_soft_label(unit):
    privacy = RandomizedResponse(epsilon=math.inf, unit=unit)
    soft = privacy.apply(asked(), stream("privacy"))
    np.testing.assert_allclose(soft, VOTES / VOTES.sum(axis=1, keepdims=True), atol=1e-12)
    assert privacy.spent(asked())["epsilon_per_image_max"] == math.inf


@pytest.mark.parametrize("epsilon", [0, -1, math.nan])
def test_epsilon_must_be_positive(epsilon):
    with pytest.raises(ValueError, match=r"epsilon: input should be greater than or equal to 0.000001"):
        RandomizedResponse.parse({"epsilon": epsilon})


def test_names_the_first_image_without_votes():
    with pytest.raises(DataError, match="image 1 has no vote"):
        RandomizedResponse(epsilon=1).apply(asked(np.array([[1, 0], [0, 0]])), stream("privacy"))
