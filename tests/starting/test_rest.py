"""Rates and rounds by curves whose answer is known."""

import numpy as np
import pytest

from fedsoft.execution.search import Tried
from fedsoft.starting.models import near
from fedsoft.starting.rest import Settled, bar, best, settle

BELOW = 0.7


def arm(brier, nll=None, value=0.1):
    brier = np.array([brier, brier])
    return Tried(
        value,
        "fedavg",
        "hard",
        brier if nll is None else np.array([nll, nll]),
        brier,
        np.zeros(2),
        np.zeros(2),
    )


def came_to(lr, rounds, at_rest, nll, learned=True):
    return Settled(lr, rounds, at_rest, nll, nll / 2, learned)


def test_training_rests_where_its_last_fifth_wins_nothing():
    fall = np.concatenate([np.linspace(0.9, 0.3, 19), np.full(42, 0.3)])
    assert settle([arm(fall)], BELOW) == Settled(0.1, 25, True, pytest.approx(0.3), pytest.approx(0.3), True)
    slow = np.linspace(0.9, 0.3, 61)
    assert settle([arm(fall), arm(slow)], BELOW).rounds == 60
    assert not settle([arm(fall), arm(slow)], BELOW).at_rest


def test_overfitting_is_rest_and_costs_its_rate():
    rising = np.concatenate([np.linspace(0.9, 0.3, 6), np.linspace(0.3, 0.6, 55)])
    settled = settle([arm(rising)], BELOW)
    assert settled.rounds == 10
    assert settled.nll == pytest.approx(rising[8:11].mean())


def test_what_has_not_begun_does_not_rest():
    flat = settle([arm(np.full(61, 0.75))], BELOW)
    assert (flat.rounds, flat.at_rest, flat.learned) == (60, False, False)
    late = np.concatenate([np.full(31, 0.75), np.linspace(0.75, 0.2, 10), np.full(20, 0.2)])
    assert settle([arm(late)], BELOW) == Settled(0.1, 50, True, pytest.approx(0.2), pytest.approx(0.2), True)
    assert not settle([arm(late), arm(np.full(61, 0.75))], BELOW).at_rest


def test_a_ledge_is_no_rest():
    ledge = np.concatenate([np.linspace(0.9, 0.6, 6), np.full(25, 0.6), np.full(30, 0.55)])
    assert settle([arm(ledge)], BELOW).rounds == 40


def test_trained_past_its_best_is_told_by_the_report_s_rule():
    brier = np.concatenate([np.linspace(0.9, 0.3, 6), np.full(15, 0.3)])
    nll = np.concatenate([np.linspace(2.0, 1.0, 6), np.linspace(1.0, 1.3, 15)])
    assert settle([arm(brier, nll)], BELOW).past == 5
    assert settle([arm(brier, np.minimum(nll, 1.04))], BELOW).past is None


def test_few_validation_examples_must_say_more():
    assert bar(0.75, 10_000) == pytest.approx(0.75 * 0.99)
    assert bar(0.75, 25) == pytest.approx(0.75 * 0.95)


def test_the_smallest_rate_that_is_about_as_good():
    rates = [came_to(0.3, 20, True, 0.500), came_to(0.1, 30, True, 0.508), came_to(0.03, 60, True, 0.53)]
    assert best(rates).lr == 0.1
    assert best([*rates, came_to(1.0, 60, False, 0.4)]).lr == 0.1
    assert best([came_to(1.0, 60, False, 0.4)]).lr == 1.0
    assert best([came_to(1.0, 60, False, 0.4), came_to(0.01, 60, False, 0.2, learned=False)]).lr == 1.0


def test_rates_are_of_a_short_row():
    assert [near(0.04), near(0.04, 1), near(0.04, -1), near(1.2), near(7.0)] == [0.03, 0.1, 0.01, 1.0, 10.0]
