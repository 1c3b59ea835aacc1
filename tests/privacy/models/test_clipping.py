import numpy as np
import pytest

from fedsoft.privacy.models import adapted, clip, noise_beside_count, norms, share_within
from fedsoft.streams import stream


@pytest.mark.parametrize("shape", [(5, 40), (3, 4, 40)])
def test_rows_are_no_longer_than_the_bound_and_keep_their_direction(shape):
    rows = stream("rows").standard_normal(shape).astype(np.float32) * np.linspace(0.1, 2, shape[-2])[:, None]
    rows = rows.astype(np.float32)
    clipped = clip(rows, 5.0)
    assert clipped.dtype == np.float32
    lengths = norms(rows)
    assert (lengths > 5).any()
    assert (lengths < 5).any()
    np.testing.assert_allclose(norms(clipped), np.minimum(lengths, 5), rtol=1e-6)
    np.testing.assert_array_equal(clipped[lengths <= 5], rows[lengths <= 5])
    inner = (clipped * rows).sum(-1)
    np.testing.assert_allclose(inner, norms(clipped) * lengths, rtol=1e-5, atol=1e-6)


def test_a_row_of_zeros_stays_one():
    np.testing.assert_array_equal(clip(np.zeros((2, 3)), 0.1), np.zeros((2, 3)))


def test_norms_do_not_overflow_in_float32():
    assert norms(np.full((1, 4), 1e30, np.float32))[0] == pytest.approx(2e30)


def test_the_share_within():
    assert share_within(2, 4, 0.0, 4) == 0.5
    assert share_within(3, 4, 0.0, 4) == 0.75
    assert share_within(3, 4, 0.4, 4) == pytest.approx(0.85)
    assert share_within(0, 0, 0.0, 4) == 0.5  # nobody says nothing


def test_one_update_moves_the_share_by_half_a_count():
    for bound in (0.5, 2.0):
        with_one = share_within(float(bound >= 1), 1, 0.0, 10)
        assert abs(with_one - share_within(0, 0, 0.0, 10)) == pytest.approx(0.05)


def test_the_bound_moves_towards_its_quantile():
    """Andrew et al. 2021: it settles where the asked share of norms is within."""
    lengths, bound = stream("lengths").lognormal(0, 1, 500), 50.0
    for _ in range(300):
        bound = adapted(bound, share_within((lengths <= bound).sum(), 500, 0.0, 500), 0.3, 0.2)
    assert bound == pytest.approx(np.quantile(lengths, 0.3), rel=0.02)
    assert adapted(2.0, 0.9, 0.5, 0.2) == pytest.approx(2 * np.exp(-0.08))
    assert adapted(2.0, -1e9, 0.5, 0.2) == 1e12  # counts under much noise are anything
    assert adapted(2.0, 1e9, 0.5, 0.2) == 1e-12


def test_count_and_updates_together_spend_what_is_accounted_for():
    """Sensitivities over their noise add in squares: 1 of the updates, ½ of the count."""
    for noise, count in ((0.5, 1.0), (1.0, 5.0), (2.0, 1.1)):
        beside = noise_beside_count(noise, count)
        assert beside**-2 + (0.5 / count) ** 2 == pytest.approx(noise**-2)
    with pytest.raises(ValueError, match=r"count_noise = 0\.5 lets the count alone .* raise it above 0.5"):
        noise_beside_count(1.0, 0.5)
