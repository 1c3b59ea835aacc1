import numpy as np
import pytest

from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.annotators.slip_rate import (
    agreement_counts,
    estimate_slip_rate,
    largest_rate,
    slip_rate_band,
)
from fedsoft.streams import stream

CLASSES, IMAGES = 5, 6_000


def crowd(rate, votes, share, alpha=(1.0, 0.4, 0.1, 0, 0), images=IMAGES):
    """Images of which a share is unambiguous; others are a Dirichlet draw, their label in the first place."""
    rng = stream("slipping crowd")
    labels = rng.integers(0, CLASSES, images)
    truth = rng.dirichlet(np.maximum(alpha, 1e-9), images)
    truth[rng.random(images) < share] = np.eye(CLASSES)[0]
    truth = truth[np.arange(images)[:, None], (np.arange(CLASSES) - labels[:, None]) % CLASSES]
    meant = rng.multinomial(votes, truth)
    return agreement_counts(slip(meant, rate, uniform_others(CLASSES), rng), labels, votes)


def deviation(rate, votes, share):
    """Standard deviation of the slip rate counted on the unambiguous images, were these known."""
    return np.sqrt(rate * (1 - rate) / (share * IMAGES * votes))


def test_agreement_counts_by_hand():
    counts = agreement_counts(np.array([[2, 1], [0, 2], [3, 0]]), np.array([0, 1, 1]), 3)
    expected = np.zeros((4, 4))
    expected[3, 2] = expected[2, 2] = expected[3, 0] = 1
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize("share", [0.4, 0.7])
@pytest.mark.parametrize(("rate", "votes"), [(0.02, 20), (0.1, 10), (0.2, 10), (0.1, 50)])
def test_a_true_anchor_recovers_the_rate(rate, votes, share):
    estimate = estimate_slip_rate(crowd(rate, votes, share), CLASSES, share)
    # which images are unambiguous is not known, which costs a factor
    assert abs(estimate - rate) < 5 * 3 * deviation(rate, votes, share)


@pytest.mark.parametrize("votes", [2, 3, 10])
def test_no_slips_are_no_slips(votes):
    assert estimate_slip_rate(crowd(0.0, votes, 0.5), CLASSES, 0.5) < 0.003


def test_an_anchor_stated_too_high_takes_ambiguity_for_slips_and_too_low_the_other_way():
    counts = crowd(0.1, 10, 0.5)
    low, right, high = (estimate_slip_rate(counts, CLASSES, share) for share in (0.2, 0.5, 0.8))
    assert low < right - 0.003
    assert right + 0.01 < high
    assert right - low < high - right


def test_all_unambiguous_means_all_disagreement_is_slips():
    counts = crowd(0.1, 4, 1.0)
    number, agree = np.nonzero(counts)
    disagree = (counts[number, agree] * (number - agree)).sum() / (4 * IMAGES)
    assert estimate_slip_rate(counts, CLASSES, 1.0) == pytest.approx(disagree, abs=1e-4)


def test_the_band_by_hand():
    """1,000 images with 3 votes, 512 of them unanimous: (1 - r)^3 is .512 at least, .512/.8 at most."""
    counts = np.zeros((4, 4))
    counts[3, 3], counts[3, 2] = 512, 488
    np.testing.assert_allclose(slip_rate_band(counts, CLASSES), (0, 0.2), atol=1e-9)
    np.testing.assert_allclose(slip_rate_band(counts, CLASSES, 0.8), (1 - 0.64 ** (1 / 3), 0.2), atol=1e-9)
    np.testing.assert_allclose(slip_rate_band(counts, CLASSES, 0.4), (0, 0.2), atol=1e-9)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2])
@pytest.mark.parametrize("votes", [2, 10, 40])
def test_the_band_holds_the_rate_and_an_anchor_narrows_it(rate, votes):
    counts = crowd(rate, votes, 0.6)
    low, high = slip_rate_band(counts, CLASSES, 0.55)
    assert low - 1e-9 <= rate <= high
    assert slip_rate_band(counts, CLASSES) == (0, high)
    assert low > 0 or rate < 0.1 or votes == 2


def test_the_band_counts_all_ways_to_choose_some_of_the_votes():
    """Five votes, four for the label: never unanimous, but 1 in 5 ways to choose four of them is."""
    counts = np.zeros((6, 6))
    counts[5, 4] = 1_000
    assert slip_rate_band(counts, CLASSES) == pytest.approx((0, 1 - 0.2 ** (1 / 4)))


def test_nobody_ever_right_leaves_every_rate_possible():
    counts = np.zeros((4, 4))
    counts[3, 0] = 10
    assert slip_rate_band(counts, CLASSES) == (0, largest_rate(CLASSES))


def test_clients_counts_add_up():
    rng = stream("counts")
    votes, labels = rng.integers(0, 3, (40, 4)), rng.integers(0, 4, 40)
    parts = [agreement_counts(votes[k::3], labels[k::3], 8) for k in range(3)]
    np.testing.assert_array_equal(sum(parts), agreement_counts(votes, labels, 8))
