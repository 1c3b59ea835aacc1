import numpy as np
import pytest
from scipy.optimize import minimize

from fedsoft.privacy.labels.randomized_response import randomize, unbias
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.streams import stream

N = 100_000
ROW = np.array([7, 2, 0, 1])


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_mean_and_variance_in_closed_form(epsilon):
    # v_c votes stay with probability p, the others' n - v_c arrive with probability q
    private = randomize(np.tile(ROW, (N, 1)), epsilon, stream("private"))
    p, q = np.exp(epsilon) / (np.exp(epsilon) + 3), 1 / (np.exp(epsilon) + 3)
    mean = ROW * p + (10 - ROW) * q
    variance = ROW * p * (1 - p) + (10 - ROW) * q * (1 - q)
    assert (private.sum(axis=1) == 10).all()
    np.testing.assert_allclose(private.mean(axis=0), mean, atol=5 * np.sqrt(variance.max() / N))
    np.testing.assert_allclose(private.var(axis=0), variance, rtol=5 * np.sqrt(2.5 / N))


@pytest.mark.parametrize("epsilon", [0.5, 1.0, 3.0])
def test_no_answer_is_more_than_e_to_the_epsilon_likelier(epsilon):
    # one vote a row for each class in turn: frequency of each answer given each truth
    truths = np.repeat(np.eye(4, dtype=int), N, axis=0)
    answers = randomize(truths, epsilon, stream("private")).reshape(4, N, 4).mean(axis=1)
    ratios = answers[:, np.newaxis] / answers[np.newaxis]
    relative_error = np.sqrt(2 / (answers.min() * N))
    assert ratios.max() <= np.exp(epsilon) * (1 + 5 * relative_error)
    assert ratios.max() >= np.exp(epsilon) * (1 - 5 * relative_error)  # no more noise than it takes


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 5.0])
def test_unbiased(epsilon):
    soft = unbias(randomize(np.tile(ROW, (N, 1)), epsilon, stream("private")), epsilon)
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-9)
    error = soft.std(axis=0) / np.sqrt(N)
    assert (abs(soft.mean(axis=0) - ROW / 10) < 5 * error).all()
    assert soft.min() < 0  # not clipped, or it would be biased


def test_unbias_by_the_published_formula():
    private, epsilon = np.array([[3, 1, 0], [0, 2, 2]]), 1.5
    gamma = 3 / (np.exp(epsilon) + 2)
    np.testing.assert_allclose(unbias(private, epsilon), (private / 4 - gamma / 3) / (1 - gamma), rtol=1e-12)


@pytest.mark.parametrize("epsilon", [np.inf, 1000.0])
def test_infinite_epsilon_is_the_identity(epsilon):
    votes = np.array([[7, 2, 0, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(randomize(votes, epsilon, stream("private")), votes)
    np.testing.assert_allclose(unbias(votes, epsilon), votes / votes.sum(axis=1, keepdims=True), rtol=1e-12)


def test_each_image_may_have_its_own_epsilon():
    epsilon = np.array([np.inf, 1e-9])
    votes = np.tile([[1000, 0], [1000, 0]], (1, 1))
    private = randomize(votes, epsilon, stream("private"))
    np.testing.assert_array_equal(private[0], [1000, 0])
    assert abs(private[1, 0] - 500) < 5 * np.sqrt(250)
    np.testing.assert_allclose(
        unbias(votes, np.array([np.inf, 1.0])), [unbias(votes, e)[0] for e in (np.inf, 1.0)]
    )


def test_projection_is_the_nearest_point():
    rows = stream("rows").normal(0, 1, (25, 5))
    projected = project_to_simplex(rows)
    assert projected.min() >= 0
    np.testing.assert_allclose(projected.sum(axis=1), 1, rtol=1e-12)
    for row, found in zip(rows, projected, strict=True):
        best = minimize(
            lambda x, row=row: ((x - row) ** 2).sum(),
            np.full(5, 0.2),
            jac=lambda x, row=row: 2 * (x - row),
            bounds=[(0, 1)] * 5,
            constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
            tol=1e-12,
        )
        np.testing.assert_allclose(found, best.x, atol=1e-5)


def test_projection_by_hand_and_of_the_simplex_itself():
    rows = np.array([[1.2, -0.2], [0.5, 0.5], [3.0, 3.0], [0.25, 0.75], [0.0, 1.0]])
    expected = [[1, 0], [0.5, 0.5], [0.5, 0.5], [0.25, 0.75], [0, 1]]
    np.testing.assert_allclose(project_to_simplex(rows), expected, atol=1e-12)
