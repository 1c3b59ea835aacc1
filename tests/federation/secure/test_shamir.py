"""Shares give a secret back from the threshold on, and say nothing below it."""

import contextlib
import itertools

import pytest

from fedsoft.federation.secure.shamir import COEFFICIENT, PRIME, SHARE, combine, split, weights_at_zero
from fedsoft.streams import stream

SECRET = bytes(range(32))
POINTS = [1, 2, 5, 7, 20]


def coefficients(*values):
    return b"".join(value.to_bytes(COEFFICIENT, "little") for value in values)


def test_shares_are_values_of_a_polynomial():
    """2 x² + 3 x + 7."""
    shares = split((7).to_bytes(32, "little"), 3, [1, 2, 10], coefficients(2, 3))
    assert [int.from_bytes(share, "little") for share in shares.values()] == [12, 21, 237]


def test_any_so_many_as_the_threshold_give_the_secret_back():
    shares = split(SECRET, 3, POINTS, stream("shares").bytes(2 * COEFFICIENT))
    for count in (3, 4, 5):
        for some in itertools.combinations(POINTS, count):
            assert combine({point: shares[point] for point in some}) == SECRET


@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32])
def test_the_least_and_the_largest_secret(secret):
    shares = split(secret, 2, [1, 2], stream("shares").bytes(COEFFICIENT))
    assert combine(shares) == secret
    assert {len(share) for share in shares.values()} == {SHARE}


def test_fewer_than_the_threshold_fit_every_secret():
    """One share of two is the same for any other secret under another coefficient."""
    slope, other = 123456789, b"\x05" * 32
    first, second = int.from_bytes(SECRET, "little"), int.from_bytes(other, "little")
    share = split(SECRET, 2, [1, 2], coefficients(slope))[1]
    assert share == split(other, 2, [1, 2], coefficients((slope + first - second) % PRIME))[1]


def test_fewer_than_the_threshold_do_not_give_it_back():
    shares = split(SECRET, 3, POINTS, stream("shares").bytes(2 * COEFFICIENT))
    for some in itertools.combinations(POINTS, 2):
        with contextlib.suppress(ValueError):  # not even a secret
            assert combine({point: shares[point] for point in some}) != SECRET


def test_weights_interpolate():
    """The line through (1, 5) and (2, 7) is 3 at 0: 2 · 5 - 7."""
    assert weights_at_zero([1, 2]) == [2, PRIME - 1]


@pytest.mark.parametrize(("threshold", "points"), [(3, [1, 2]), (2, [0, 1]), (2, [1, 1])])
def test_points_that_share_nothing_are_refused(threshold, points):
    with pytest.raises(ValueError, match="points are positive"):
        split(SECRET, threshold, points, bytes(COEFFICIENT * (threshold - 1)))


def test_coefficients_are_needed_for_all():
    with pytest.raises(ValueError, match="2 coefficients"):
        split(SECRET, 3, POINTS, bytes(COEFFICIENT))
