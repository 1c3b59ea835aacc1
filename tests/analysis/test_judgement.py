"""Estimated quality beside the true one: Spearman's correlation over runs, with one run's interval."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from fedsoft.analysis.judgement import rank_agreement
from fedsoft.streams import stream


def test_the_mean_of_spearmans_correlations():
    pairs = [stream("judgement", run=run).normal(size=(2, 12)) for run in range(3)]
    mean, low, high, clients, runs = rank_agreement(pairs)
    assert mean == pytest.approx(np.mean([spearmanr(*pair).statistic for pair in pairs]))
    assert (clients, runs) == (12, 3)
    assert low < mean < high


def test_perfect_and_absent_agreement():
    up = np.arange(10.0)
    assert rank_agreement([np.stack([up, up])])[0] == pytest.approx(1)
    assert rank_agreement([np.stack([up, -up])])[0] == pytest.approx(-1)
    assert rank_agreement([np.stack([up, np.ones(10)])])[0] == 0  # all are alike: any ranking is chance


def test_estimates_that_are_the_same_in_all_runs_are_no_judgement():
    up = np.arange(10.0)
    alike = np.stack([np.ones(10), up])
    assert np.isnan(rank_agreement([alike, alike])[:3]).all()
    assert rank_agreement([alike, np.stack([up, up])])[0] == pytest.approx(0.5)  # it judged in one run


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """2,000 samples of 40 from a bivariate normal of correlation .8, whose rank correlation is known."""
    rng, hit = stream("coverage"), 0
    truth = 6 / np.pi * np.arcsin(0.8 / 2)
    for _ in range(2000):
        x = rng.normal(size=(2, 40))
        _, low, high, _, _ = rank_agreement([np.stack([x[0], 0.8 * x[0] + 0.6 * x[1]])])
        hit += low <= truth <= high
    assert 0.93 < hit / 2000 < 0.97
