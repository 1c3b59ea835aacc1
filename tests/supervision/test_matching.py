"""Modes, masses, entropies and temperatures."""

import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy

from fedsoft.streams import stream
from fedsoft.supervision.matching import (
    entropy,
    mass_of_entropy,
    mode_matched,
    modes,
    spread,
    temperature_matched,
    tempered,
)


@pytest.fixture
def rows():
    rows = stream("rows").dirichlet([1, 1, 1, 1, 1], size=400)
    rows.setflags(write=False)
    return rows


def test_modes_without_ties(rows):
    np.testing.assert_array_equal(modes(rows, stream("ties")), rows.argmax(axis=1))


def test_ties_are_split_evenly_over_the_tied():
    n = 30_000
    chosen = modes(np.tile([0.3, 0.1, 0.3, 0.3], (n, 1)), stream("ties"))
    shares = np.bincount(chosen, minlength=4) / n
    np.testing.assert_allclose(shares, [1 / 3, 0, 1 / 3, 1 / 3], atol=5 * np.sqrt(2 / 9 / n))


def test_mode_matched_keeps_every_mass_and_changes_where_needed(rows):
    labels = stream("labels").integers(0, 5, len(rows))
    matched = mode_matched(rows, labels, stream("ties"))
    np.testing.assert_array_equal(matched.argmax(axis=1), labels)
    np.testing.assert_array_equal(np.sort(matched), np.sort(rows))
    assert ((matched != rows).sum(axis=1) == 2 * (rows.argmax(axis=1) != labels)).all()


def test_entropy_is_in_nats(rows):
    np.testing.assert_allclose(entropy(rows), scipy_entropy(rows, axis=1))
    assert entropy(np.array([0.5, 0.5, 0.0])) == pytest.approx(np.log(2))
    assert entropy(np.array([0.0, 1.0])) == 0


def test_spread():
    np.testing.assert_allclose(
        spread(np.array([0.7, 0.25]), np.array([2, 0]), 4), [[0.1, 0.1, 0.7, 0.1], [0.25, 0.25, 0.25, 0.25]]
    )


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_mass_of_entropy_inverts_entropy(classes):
    mass = np.linspace(1 / classes + 1e-3, 1 - 1e-6, 50)
    values = entropy(spread(mass, np.zeros(50, dtype=int), classes))
    np.testing.assert_allclose(mass_of_entropy(values, classes), mass, atol=1e-6)


def test_mass_of_entropy_at_its_ends():
    np.testing.assert_allclose(mass_of_entropy(np.array([0, np.log(4)]), 4), [1, 1 / 4], atol=1e-6)


def test_tempered_by_hand():
    # square roots of .64 .32 .04 are .8, .5657, .2
    root = np.sqrt([0.64, 0.32, 0.04])
    np.testing.assert_allclose(tempered(np.array([[0.64, 0.32, 0.04]]), 2.0), [root / root.sum()])
    np.testing.assert_allclose(tempered(np.array([[0.6, 0.3, 0.1]]), 1.0), [[0.6, 0.3, 0.1]])


@pytest.mark.parametrize("match", ["entropy", "top_mass"])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_temperature_matched_finds_the_temperature(match, temperature, rows):
    """Predictions that are people's soft labels at another temperature become people's soft labels."""
    np.testing.assert_allclose(temperature_matched(tempered(rows, temperature), rows, match), rows, atol=1e-6)


@pytest.mark.parametrize("match", ["entropy", "top_mass"])
def test_temperature_matched_is_as_soft_as_people(match, rows):
    people = stream("people").dirichlet([0.2, 0.3, 0.4], size=100)
    measure = entropy if match == "entropy" else (lambda soft: soft.max(axis=1))
    matched = temperature_matched(rows, people, match)
    assert measure(matched).mean() == pytest.approx(measure(people).mean(), abs=1e-8)
    np.testing.assert_array_equal(np.argsort(matched), np.argsort(rows))


@pytest.mark.parametrize("match", ["entropy", "top_mass"])
def test_people_beyond_any_temperature(match):
    sure, unsure = np.eye(3), np.full((3, 3), 1 / 3)
    predictions = np.array([[0.5, 0.3, 0.2], [0.2, 0.4, 0.4], [0.1, 0.1, 0.8]])
    np.testing.assert_allclose(temperature_matched(predictions, sure, match)[[0, 2]], sure[[0, 2]], atol=1e-6)
    np.testing.assert_allclose(temperature_matched(predictions, unsure, match), unsure, atol=0.02)
