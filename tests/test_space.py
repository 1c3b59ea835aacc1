"""Points of a search: where they lie, and what they have in common."""

import numpy as np
import pytest
from pydantic import ValidationError

from fedsoft.space import Axis, shares
from fedsoft.streams import stream


def axis(**given):
    return Axis.model_validate(given)


def test_a_range_is_walked_evenly_or_by_factors():
    even, factors = axis(**{"from": 1.0, "to": 3.0}), axis(**{"from": 0.01, "to": 1, "log": True})
    assert [even.value(share) for share in (0, 0.25, 0.5)] == [1.0, 1.5, 2.0]
    assert [factors.value(share) for share in (0, 0.5, 0.75)] == [0.01, 0.1, 0.316]  # 10 ** -0.5 = 0.3162…


def test_whole_numbers_and_choices_have_equal_parts():
    whole, some = axis(**{"from": 1, "to": 4}), axis(choices=["a", "b"])
    assert [whole.value(i / 8) for i in range(8)] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [some.value(i / 4) for i in range(4)] == ["a", "a", "b", "b"]
    by_factors = axis(**{"from": 1, "to": 7, "log": True})  # 8 = 2 ** 3: 1, then 2 and 3, then 4 to 7
    assert [by_factors.value(i / 3 + 1e-9) for i in range(3)] == [1, 2, 4]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"from": 1.0}, "needs a range"),
        ({"from": 2.0, "to": 1.0}, "not below"),
        ({"from": 0.0, "to": 1.0, "log": True}, "begins above 0"),
        ({"from": 0.0, "to": 1.0, "choices": [1]}, "one of the two"),
    ],
)
def test_what_is_no_range_is_refused(given, why):
    with pytest.raises(ValidationError, match=why):
        axis(**given)


def test_every_sixteenth_of_every_axis_has_a_point():
    (points,) = shares(16, 1, [3], stream("test"))
    assert points.shape == (16, 4)
    assert np.array_equal(np.sort(np.floor(16 * points), axis=0), np.arange(16.0)[:, None].repeat(4, 1))


def test_spaces_share_their_common_axes_and_grow_by_adding_points():
    few, many = shares(5, 2, [0, 3, 1], stream("test")), shares(32, 2, [0, 3, 1], stream("test"))
    assert [part.shape for part in few] == [(5, 2), (5, 5), (5, 3)]
    for part, larger in zip(few, many, strict=True):
        assert np.array_equal(part[:, :2], few[0])
        assert np.array_equal(part, larger[:5])
    assert [part.shape for part in shares(3, 0, [0, 0], stream("test"))] == [(3, 0), (3, 0)]
