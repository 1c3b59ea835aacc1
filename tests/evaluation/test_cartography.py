import numpy as np
import pytest
import torch
from scipy import stats

from fedsoft.evaluation import Cartography, rank_correlation


def seen_over(rounds, classes):
    seen = Cartography.start(len(classes))
    for probs in rounds:
        seen = seen.after(torch.as_tensor(np.asarray(probs)), torch.as_tensor(classes))
    return seen


def test_by_hand():
    # Of the first example's class: .6, .2, .4 (mean .4, variance (.04 + .04 + 0) / 3), right once.
    rounds = [[[0.6, 0.4], [0.1, 0.9]], [[0.2, 0.8], [0.1, 0.9]], [[0.4, 0.6], [0.1, 0.9]]]
    seen = seen_over(rounds, [0, 1])
    assert seen.confidence.tolist() == pytest.approx([0.4, 0.9])
    assert seen.variability.tolist() == pytest.approx([(0.08 / 3) ** 0.5, 0], abs=1e-8)
    assert seen.correctness.tolist() == pytest.approx([1 / 3, 1])


def test_running_sums_are_those_of_all_rounds(rng):
    rounds = rng.dirichlet([0.3] * 4, size=(20, 50)).astype(np.float32)
    classes = rng.integers(4, size=50)
    seen, p = seen_over(rounds, classes), rounds[:, np.arange(50), classes].astype(float)
    np.testing.assert_allclose(seen.confidence, p.mean(axis=0))
    np.testing.assert_allclose(seen.variability, p.std(axis=0, ddof=0))
    np.testing.assert_allclose(seen.correctness, (rounds.argmax(axis=-1) == classes).mean(axis=0))


def test_small_variability_near_certainty_is_kept():
    """Sums of squares would lose a deviation of 1e-9 beside a mean of 1."""
    seen = seen_over([[[1 - 1e-9, 1e-9]], [[1 - 3e-9, 3e-9]]], [0])
    assert seen.variability.item() == pytest.approx(1e-9, rel=1e-5)


def test_what_was_seen_before_stays(rng):
    first = seen_over(rng.dirichlet([1, 1], size=(1, 3)), [0, 1, 0])
    before = first.confidence.clone()
    first.after(torch.full((3, 2), 0.5), torch.tensor([0, 1, 0]))
    assert torch.equal(first.confidence, before)


def test_rank_correlation_is_spearmans(rng):
    a, b = rng.integers(0, 6, size=(2, 3, 40)).astype(float)  # with ties
    expected = [stats.spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(torch.from_numpy(a), torch.from_numpy(b)), expected)
    assert rank_correlation(torch.ones(5), torch.arange(5.0)).isnan()


def test_the_device_is_that_of_the_inputs():
    device = "cuda" if torch.cuda.is_available() else "meta"
    seen = Cartography.start(3, device)
    seen = seen.after(torch.full((3, 2), 0.5, device=device), torch.zeros(3, dtype=torch.long, device=device))
    for values in (seen.confidence, seen.variability, seen.correctness):
        assert values.shape == (3,)
        assert values.device.type == device
