import numpy as np
import pytest
from scipy import stats

from fedsoft.privacy.models import GaussianNoise
from fedsoft.streams import stream


def drawn(n, std=1.0, **key):
    out = np.empty(n, dtype=np.float32)
    GaussianNoise(stream("noise", **key)).fill(out, std)
    return out


@pytest.mark.parametrize("std", [0.01, 1.0, 30.0])
def test_it_is_normal(std):
    numbers = drawn(200_000, std).astype(float) / std
    assert stats.kstest(numbers, "norm").pvalue > 0.001
    assert numbers.var() == pytest.approx(1, abs=4.5 * (2 / len(numbers)) ** 0.5)
    assert stats.kurtosis(numbers) == pytest.approx(0, abs=4.5 * (24 / len(numbers)) ** 0.5)
    for quantile in (1e-4, 1e-3, 0.999, 0.9999):
        share, se = (numbers < stats.norm.ppf(quantile)).mean(), (min(quantile, 1 - quantile) / 2e5) ** 0.5
        assert share == pytest.approx(quantile, abs=4.5 * se)


def test_halves_are_independent():
    """A pair of Box and Muller's shares its radius, and nothing else shows of it."""
    numbers = drawn(200_000).astype(float)
    a, b = numbers[:100_000], numbers[100_000:]
    bound = 4.5 / 100_000**0.5
    assert abs(np.corrcoef(a, b)[0, 1]) < bound
    assert abs(np.corrcoef(a**2, b**2)[0, 1]) < bound
    assert abs(np.corrcoef(numbers[1:], numbers[:-1])[0, 1]) < bound


@pytest.mark.parametrize("n", [1, 2, 3, 10, 17_099])
def test_any_number_is_filled(n):
    numbers = drawn(n)
    assert np.isfinite(numbers).all()
    assert len(np.unique(numbers)) > 0.99 * n  # of 2^24 or so there are


def test_the_same_key_gives_the_same_and_draws_go_on():
    np.testing.assert_array_equal(drawn(100, client=1), drawn(100, client=1))
    assert (drawn(100, client=1) != drawn(100, client=2)).all()
    noise, first, second = GaussianNoise(stream("noise")), np.empty(50, np.float32), np.empty(50, np.float32)
    noise.fill(first, 1.0)
    noise.fill(second, 1.0)
    assert (first != second).all()
