"""Rates and rounds by curves whose answer is known."""

import numpy as np
import pytest

from fedsoft.execution.search import Tried
from fedsoft.starting.models import near
from fedsoft.starting.rest import Settled, best, settle


def arm(brier, nll=None, value=0.1):
    brier = np.array([brier, brier])
    return Tried(value, "fedavg", "hard", brier if nll is None else np.array([nll, nll]), brier, np.zeros(2))


def test_training_rests_where_its_last_fifth_wins_nothing():
    fall = np.concatenate([np.linspace(0.9, 0.3, 19), np.full(42, 0.3)])
    assert settle([arm(fall)]) == Settled(0.1, 25, True, pytest.approx(0.3))
    slow = np.linspace(0.9, 0.3, 61)
    assert settle([arm(fall), arm(slow)]).rounds == 60
    assert not settle([arm(fall), arm(slow)]).at_rest


def test_overfitting_is_rest_and_costs_its_rate():
    rising = np.concatenate([np.linspace(0.9, 0.3, 6), np.linspace(0.3, 0.6, 55)])
    settled = settle([arm(rising)])
    assert settled.rounds == 10
    assert settled.nll == pytest.approx(rising[8:11].mean())


def test_the_smallest_rate_that_is_about_as_good():
    rates = [Settled(0.3, 20, True, 0.500), Settled(0.1, 30, True, 0.508), Settled(0.03, 60, True, 0.53)]
    assert best(rates).lr == 0.1
    assert best([*rates, Settled(1.0, 60, False, 0.4)]).lr == 0.1
    assert best([Settled(1.0, 60, False, 0.4)]).lr == 1.0


def test_rates_are_of_a_short_row():
    assert [near(0.04), near(0.04, 1), near(0.04, -1), near(1.2), near(7.0)] == [0.03, 0.1, 0.01, 1.0, 10.0]
