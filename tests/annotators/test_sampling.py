import numpy as np
import pytest
from scipy.stats import multivariate_hypergeom

from fedsoft.annotators import draw_one, draw_votes, split_half
from fedsoft.errors import DataError
from fedsoft.streams import stream

N = 100_000
ROW = np.array([6, 3, 0, 1])


def test_moments_are_those_of_the_multivariate_hypergeometric():
    drawn = draw_votes(np.tile(ROW, (N, 1)), 4, stream("draw"))
    assert (drawn.sum(axis=1) == 4).all()
    theory = multivariate_hypergeom(ROW, 4)
    np.testing.assert_allclose(drawn.mean(axis=0), theory.mean(), atol=5 * np.sqrt(theory.var().max() / N))
    np.testing.assert_allclose(np.cov(drawn.T), theory.cov(), atol=0.02)


def test_whole_distribution_of_a_small_case():
    # two of {a, a, b}: {a, a} with probability 1/3, {a, b} with 2/3
    drawn = draw_votes(np.tile([2, 1], (N, 1)), 2, stream("draw"))
    assert np.mean(drawn[:, 1] == 0) == pytest.approx(1 / 3, abs=5 * np.sqrt(2 / 9 / N))


def test_drawing_all_gives_all_and_rows_are_independent():
    votes = np.array([[3, 0, 2], [0, 5, 0], [1, 1, 3]])
    np.testing.assert_array_equal(draw_votes(votes, 5, stream("draw")), votes)


def test_names_the_first_image_with_too_few_votes():
    with pytest.raises(
        DataError, match=r"5 votes an example .* 2 examples have fewer \(the first is number 1, with 2\)"
    ):
        draw_votes(np.array([[5, 0], [1, 1], [2, 0]]), 5, stream("draw"))


def test_halves_add_up_and_are_even():
    votes = np.tile([[4, 2, 0], [3, 1, 1]], (N, 1))
    first, second = split_half(votes, stream("halves"))
    np.testing.assert_array_equal(first + second, votes)
    assert min(first.min(), second.min()) >= 0
    sizes = first.sum(axis=1)
    assert (sizes[::2] == 3).all()
    assert set(sizes[1::2]) == {2, 3}
    assert np.mean(sizes[1::2] == 3) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(N))
    np.testing.assert_allclose(first[1::2].mean(axis=0), [1.5, 0.5, 0.5], atol=5 * 0.9 / np.sqrt(N))


def test_one_vote_cannot_be_halved():
    with pytest.raises(DataError, match="first is number 1"):
        split_half(np.array([[1, 1], [1, 0]]), stream("halves"))


def test_one_vote_is_drawn_in_proportion():
    drawn = draw_one(np.tile(ROW, (N, 1)), stream("one"))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / N, ROW / 10, atol=5 * 0.5 / np.sqrt(N))
    np.testing.assert_array_equal(draw_one(np.array([[0, 0, 7], [2, 0, 0]]), stream("one")), [2, 0])
    with pytest.raises(DataError, match="first is number 0"):
        draw_one(np.array([[0, 0]]), stream("one"))
