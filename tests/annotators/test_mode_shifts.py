import math

import numpy as np
import pytest

from fedsoft.annotators import draw_votes
from fedsoft.annotators.mode_shifts import mode_shift_rate, mode_shifts
from fedsoft.annotators.prior import fit_prior, posterior_draw, tally
from fedsoft.datasets import DATASETS
from fedsoft.streams import stream


def test_ties_count_their_share():
    votes = np.array([[3, 0, 0], [1, 3, 0], [2, 2, 0], [1, 1, 1]])
    assert mode_shift_rate(votes, np.zeros(4, dtype=int)) == pytest.approx((0 + 1 + 1 / 2 + 2 / 3) / 4)


def test_noise_by_hand():
    rng = stream("mode shifts by hand")
    # one vote: the mode flips with the mass off it; .3 of the images with the label's mode seem shifted,
    # .2 of those that are shifted seem not to be
    truth = np.array([[0.7, 0.3]] * 40_000 + [[0.2, 0.8]] * 10_000)
    votes = rng.multinomial(1, truth)
    found = mode_shifts(votes, np.zeros(50_000, dtype=int), truth[None], rng)
    assert found.votes == 1
    assert found.observed == pytest.approx(0.8 * 0.3 + 0.2 * 0.8, abs=0.01)
    assert found.flipped == pytest.approx(0.8 * 0.3 + 0.2 * 0.2, abs=0.01)
    assert found.added == pytest.approx(0.8 * 0.3 - 0.2 * 0.2, abs=0.01)
    assert found.beyond == pytest.approx(0.2, abs=0.02)


def test_without_the_truth_nothing_is_known_of_the_noise():
    rng = stream("mode shifts without the truth")
    found = mode_shifts(np.array([[0, 1], [1, 0]]), np.zeros(2, dtype=int), None, rng)
    assert found.observed == 0.5
    assert math.isnan(found.flipped)
    assert math.isnan(found.beyond)


def test_cifar10h_at_six_votes(data_folder):
    rng = stream("six votes")
    if reason := DATASETS.parse("cifar10h").missing():
        pytest.skip(reason)
    data = DATASETS.parse("cifar10h").load()
    labels, everyone = data.labels, data.votes
    assert mode_shift_rate(everyone, labels) == pytest.approx(0.008, abs=0.0005)
    six = draw_votes(data.votes, 6, rng)
    # votes drawn from all there are: the noise is known
    known = mode_shifts(six, labels, (everyone / everyone.sum(axis=1, keepdims=True))[None], rng)
    assert known.observed == pytest.approx(0.014, abs=0.002)
    assert known.beyond == pytest.approx(0.008, abs=0.003)
    # from the six votes alone: nearly half of the shifts, or a little more, are seen to be noise
    alpha = fit_prior(tally(six, data.labels, 6))
    guess = np.stack([posterior_draw(six, alpha[data.labels], rng) for _ in range(5)])
    found = mode_shifts(six, labels, guess, rng)
    assert 0.4 < found.added / found.observed < 0.8
    assert found.flipped == pytest.approx(known.flipped, rel=0.3)
