"""Named randomness."""

import hashlib

import numpy as np
import pytest

from fedsoft.streams import stream

KEY = {"seed": 0, "client": 3, "round": 7}


def draw(purpose="batch order", **key):
    return stream(purpose, **key).random(4)


def test_the_same_name_gives_the_same_draws():
    np.testing.assert_array_equal(draw(**KEY), draw(**KEY))


def test_the_order_of_the_key_does_not_matter():
    np.testing.assert_array_equal(draw(seed=0, client=3), draw(client=3, seed=0))


@pytest.mark.parametrize("part", KEY)
def test_each_part_of_the_key_changes_the_draw(part):
    assert not np.isin(draw(**KEY), draw(**{**KEY, part: 1})).any()


def test_the_purpose_changes_the_draw():
    assert not np.isin(draw(**KEY), draw("cohort", **KEY)).any()


def test_a_number_is_not_its_spelling_and_a_name_not_its_value():
    names = [{"seed": 1}, {"seed": "1"}, {"sees": 1}, {}, {"seed": 1, "round": 1}, {"seed": 11}]
    assert len({draw(**name)[0] for name in names}) == len(names)


def test_draws_depend_on_nothing_but_the_name():
    """The seed is the SHA-256 of the name as compact JSON, so it is the same in any process."""
    name = b'["batch order",[["client",3],["round",7],["seed",0]]]'
    digest = hashlib.sha256(name).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(words))).random(4)
    np.testing.assert_array_equal(draw(**KEY), expected)


def test_neighbouring_keys_are_uncorrelated():
    draws = np.stack([stream("noise", seed=seed).standard_normal(2_000) for seed in range(20)])
    correlations = np.corrcoef(draws)[np.triu_indices(20, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(2_000)
