import math

import numpy as np
import pytest
import torch

from fedsoft.annotators import draw_votes
from fedsoft.annotators.prior import fit_prior, posterior_draw, tally
from fedsoft.datasets import DATASETS
from fedsoft.evaluation import mode_shift_rate, mode_shifts, soft_labels


def test_ties_count_their_share():
    votes = torch.tensor([[3, 0, 0], [1, 3, 0], [2, 2, 0], [1, 1, 1]])
    assert mode_shift_rate(votes, torch.zeros(4)) == pytest.approx((0 + 1 + 1 / 2 + 2 / 3) / 4)


def test_noise_by_hand(rng):
    # one vote: the mode flips with the mass off it; .3 of the images with the label's mode seem shifted,
    # .2 of those that are shifted seem not to be
    truth = torch.tensor([[0.7, 0.3]] * 40_000 + [[0.2, 0.8]] * 10_000, dtype=torch.float64)
    votes = torch.as_tensor(rng.multinomial(1, truth.numpy()))
    found = mode_shifts(votes, torch.zeros(50_000), truth[None], rng)
    assert found.votes == 1
    assert found.observed == pytest.approx(0.8 * 0.3 + 0.2 * 0.8, abs=0.01)
    assert found.flipped == pytest.approx(0.8 * 0.3 + 0.2 * 0.2, abs=0.01)
    assert found.added == pytest.approx(0.8 * 0.3 - 0.2 * 0.2, abs=0.01)
    assert found.beyond == pytest.approx(0.2, abs=0.02)


def test_without_the_truth_nothing_is_known_of_the_noise(rng):
    found = mode_shifts(torch.tensor([[0, 1], [1, 0]]), torch.zeros(2), None, rng)
    assert found.observed == 0.5
    assert math.isnan(found.flipped)
    assert math.isnan(found.beyond)


def test_cifar10h_at_six_votes(data_folder, rng):
    if reason := DATASETS.parse("cifar10h").missing():
        pytest.skip(reason)
    data = DATASETS.parse("cifar10h").load()
    labels, everyone = torch.as_tensor(data.labels), torch.as_tensor(data.votes)
    assert mode_shift_rate(everyone, labels) == pytest.approx(0.008, abs=0.0005)
    six = draw_votes(data.votes, 6, rng)
    # votes drawn from all there are: the noise is known
    known = mode_shifts(torch.as_tensor(six), labels, soft_labels(everyone)[None], rng)
    assert known.observed == pytest.approx(0.014, abs=0.002)
    assert known.beyond == pytest.approx(0.008, abs=0.003)
    # from the six votes alone: nearly half of the shifts, or a little more, are seen to be noise
    alpha = fit_prior(tally(six, data.labels, 6))
    guess = np.stack([posterior_draw(six, alpha[data.labels], rng) for _ in range(5)])
    found = mode_shifts(torch.as_tensor(six), labels, torch.as_tensor(guess), rng)
    assert 0.4 < found.added / found.observed < 0.8
    assert found.flipped == pytest.approx(known.flipped, rel=0.3)
