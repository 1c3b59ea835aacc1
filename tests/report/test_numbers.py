import math

import pytest

from fedsoft.report.numbers import amount, duration, interval, places_for, plain, signed, size


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.12345, "0.123"),
        (-0.5, "−0.500"),
        (-0.0001, "0.000"),
        (math.nan, "not enough data"),
        (math.inf, "∞"),
    ],
)
def test_plain(value: float, shown: str) -> None:
    assert plain(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0182, "+0.018"), (-0.0182, "−0.018"), (0.0001, "0.000"), (math.nan, "not enough data")],
)
def test_signed(value: float, shown: str) -> None:
    assert signed(value) == shown


def test_interval_needs_both_ends() -> None:
    assert interval(-0.01, 0.02) == "−0.010 to 0.020"
    assert interval(math.nan, 0.02) == "not enough data"


def test_a_narrow_interval_gets_a_fourth_decimal() -> None:
    assert (places_for(0.02), places_for(0.001), places_for(math.nan)) == (3, 4, 3)


def test_counts_bytes_and_time() -> None:
    assert amount(23385.6) == "23,386"
    assert (size(999), size(15_392_000)) == ("999 B", "15.4 MB")
    assert (duration(59.4), duration(263), duration(7260)) == ("59 s", "4 min 23 s", "2 h 1 min")
    assert amount(math.nan) == size(math.nan) == "not enough data"
