import itertools

import numpy as np
import pytest
from scipy import stats

from fedsoft.evaluation import pair_jackknife

ALL = np.arange(40)


def test_sets_by_hand():
    pairs = [(0, 3), (1, 4), (2, 5)]
    images = [np.arange(2), np.arange(2, 4), np.arange(4, 6)]
    estimate, reach, unit = pair_jackknife(pairs, images, [np.array(v) for v in ([0, 1], [1, 1], [0, 3])])
    assert unit == "sets"
    assert estimate == 1
    # with sets of one size the jackknife is the variance of their means 0.5, 1 and 1.5
    assert reach == pytest.approx(stats.t.ppf(0.975, 2) * np.std([0.5, 1, 1.5], ddof=1) / np.sqrt(3))


def test_images_by_hand():
    values = np.array([0.0, 1, 1, 4])
    estimate, reach, unit = pair_jackknife([(0, 1)], [np.arange(4)], [values])
    assert unit == "images"
    assert estimate == 1.5
    assert reach == pytest.approx(1.959964 * values.std(ddof=1) / 2)


def test_an_image_in_two_pairs_counts_once(rng):
    values = rng.random(30)
    once = pair_jackknife([(0, 1)], [np.arange(30)], [values])
    twice = pair_jackknife([(0, 1), (2, 3)], [np.arange(30), np.arange(30)[::-1]], [values, values[::-1]])
    assert twice[1] == pytest.approx(once[1])


def test_pairs_are_joined_over_any_chain():
    pairs = [(0, 1), (2, 3), (1, 2), (4, 5), (5, 6)]  # two sets
    *_, unit = pair_jackknife(pairs, [ALL] * 5, [np.ones(40)] * 5)
    assert unit == "repetitions"
    *_, unit = pair_jackknife(pairs[:-1], [ALL] * 4, [np.ones(40)] * 4)
    assert unit == "images"  # a set of two: leaving out one repetition leaves no pair of it


def world(rng, sets, members, N):
    """Squared differences of repetitions x = common image effect + own noise, whose size varies by image."""
    pairs, images, values = [], [], []
    for number in range(sets):
        size = rng.gamma(2, 0.5, N)
        # each repetition strays on its own: pairs that share one are alike
        stray = rng.gamma(2, 0.5, members)
        x = rng.normal(size=(members, N)) * np.sqrt(size * stray[:, None])
        for a, b in itertools.combinations(range(members), 2):
            pairs.append((number * members + a, number * members + b))
            images.append(np.arange(number * N, (number + 1) * N))
            values.append((x[a] - x[b]) ** 2 / 2)
    return pairs, images, values


@pytest.mark.parametrize(
    ("sets", "members", "unit"), [(5, 2, "sets"), (1, 5, "repetitions"), (2, 4, "repetitions")]
)
def test_intervals_cover_the_truth(sets, members, unit, rng):
    hits, found = 0, set()
    for _ in range(400):
        estimate, reach, used = pair_jackknife(*world(rng, sets, members, 40))
        hits += abs(estimate - 1) < reach
        found.add(used)
    assert found == {unit}
    assert 0.86 < hits / 400 <= 0.99  # means are skewed, units few


def test_over_images_only_the_interval_is_for_the_repetitions_at_hand(rng):
    hits = 0
    for _ in range(400):
        estimate, reach, _ = pair_jackknife([(0, 1)], [np.arange(60)], [rng.gamma(2, 0.5, 60)])
        hits += abs(estimate - 1) < reach
    assert 0.91 < hits / 400 < 0.98
