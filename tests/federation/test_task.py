"""Cohorts and initial weights come from the run's seed alone."""

import numpy as np
import pytest


def cohorts(task, rounds=40):
    return [task.cohort(r) for r in range(1, rounds + 1)]


def test_cohorts_depend_on_seed_and_round(make_task):
    first, again, other = (cohorts(make_task(participation=0.4, seed=seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert len({tuple(cohort) for cohort in first}) > 5


def test_cohorts_do_not_depend_on_model_or_targets(make_task):
    assert cohorts(make_task("linear", participation=0.4)) == cohorts(make_task("cnn", participation=0.4))


def test_empty_clients_are_never_in_a_cohort(make_task):
    for participation in (0.2, 0.6, 1.0):
        assert all(1 not in cohort for cohort in cohorts(make_task(participation=participation)))
    assert make_task().cohort(1) == [0, 2, 3, 4, 5]


@pytest.mark.parametrize(("participation", "size"), [(1.0, 5), (0.6, 3), (0.2, 1), (0.01, 1)])
def test_a_cohort_is_a_share_of_those_that_hold_examples(participation, size, make_task):
    for cohort in cohorts(make_task(participation=participation)):
        assert len(cohort) == len(set(cohort)) == size
        assert cohort == sorted(cohort)


def test_nobody_holds_anything(make_task):
    assert make_task(sizes=(0, 0)).cohort(1) == []


def test_clients_take_part_equally_often(make_task):
    drawn = np.concatenate(cohorts(make_task(participation=0.4), rounds=2_000))
    shares = np.bincount(drawn, minlength=6) / 2_000
    np.testing.assert_allclose(shares, [0.4, 0, 0.4, 0.4, 0.4, 0.4], atol=5 * np.sqrt(0.24 / 2_000))


def test_initial_weights_depend_on_the_seed(make_task):
    first, again, other = (make_task(seed=seed).initial() for seed in (0, 0, 1))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert (first[name] != other[name]).any()
