import itertools

import numpy as np
import pytest

from fedsoft.annotators.krippendorff import alpha_with_interval, krippendorff_alpha
from fedsoft.streams import stream

# Krippendorff 2011, section C: twelve units, four observers, 0 for a missing answer.
OBSERVERS = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)
# Section B: two observers, ten articles, five nominal categories.
ARTICLES = np.array([[1, 1, 2, 2, 4, 3, 3, 3, 5, 4, 4, 1], [1, 2, 2, 2, 2, 3, 3, 3, 5, 4, 4, 4]])


def counted(answers):
    """(N, C) from (observers, N) with 0 for none."""
    return np.stack([(answers == c).sum(axis=0) for c in range(1, answers.max() + 1)], axis=1)


def by_coincidences(answers):
    """The long way: a matrix of coincidences, pair by pair."""
    classes = answers.max()
    met = np.zeros((classes, classes))
    for unit in answers.T:
        given = unit[unit > 0] - 1
        for a, b in itertools.permutations(range(len(given)), 2):
            met[given[a], given[b]] += 1 / (len(given) - 1)
    count = met.sum(axis=1)
    n = count.sum()
    return ((n - 1) * np.trace(met) - (count * (count - 1)).sum()) / (
        n * (n - 1) - (count * (count - 1)).sum()
    )


def test_the_published_examples():
    assert krippendorff_alpha(counted(OBSERVERS)) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(counted(ARTICLES)) == pytest.approx(0.692, abs=5e-4)


@pytest.mark.parametrize("answers", [OBSERVERS, ARTICLES], ids=["observers", "articles"])
def test_the_long_way(answers):
    assert krippendorff_alpha(counted(answers)) == pytest.approx(by_coincidences(answers), abs=1e-12)


def test_limits():
    assert krippendorff_alpha(np.array([[3, 0], [0, 2]])) == 1
    assert np.isnan(krippendorff_alpha(np.array([[3, 0], [2, 0]])))  # one class alone
    assert np.isnan(krippendorff_alpha(np.array([[1, 0], [0, 1]])))  # nobody to compare with
    alone = np.vstack([counted(OBSERVERS), [[1, 0, 0, 0, 0]]])
    assert krippendorff_alpha(alone) == krippendorff_alpha(counted(OBSERVERS))
    sure = alpha_with_interval(np.array([[3, 0], [0, 2]]))
    assert sure.alpha == 1
    assert np.isnan(sure.low)


def crowd(rng, items, people, answers, spread):
    """Votes of a random crowd whose people lean to class 1 by a spread of their own."""
    lean = rng.normal(0, spread, people)
    ease = rng.normal(0, 1, items)
    item = np.repeat(np.arange(items), answers)
    who = np.stack([rng.permutation(people)[:answers] for _ in range(items)]).ravel()
    label = (ease[item] + lean[who] + rng.normal(0, 1, len(item)) > 0).astype(int)
    votes = np.zeros((items, 2), dtype=int)
    np.add.at(votes, (item, label), 1)
    return votes, item, who, label


def test_leaving_out_by_hand():
    """Variances are those of really leaving each item, person and answer out."""
    votes, item, who, label = crowd(stream("small crowd"), 30, 6, 3, 0.5)
    votes[0], kept = 0, (item != 0) & ~((item == 1) & (np.arange(len(item)) % 3 == 0))
    item, who, label = item[kept], who[kept], label[kept]
    votes = np.zeros((30, 2), dtype=int)
    np.add.at(votes, (item, label), 1)

    def spread(units):
        left = []
        for unit in np.unique(units):
            some = np.zeros((30, 2), dtype=int)
            np.add.at(some, (item[units != unit], label[units != unit]), 1)
            left.append(np.log(1 - krippendorff_alpha(some)))
        return (len(left) - 1) * np.var(left)

    items, people, answers = (spread(units) for units in (item, who, np.arange(len(item))))
    found = alpha_with_interval(votes, item, who, label)
    width = np.log((1 - found.low) / (1 - found.high)) / 2
    t = 2.5705818  # Student's t with five degrees of freedom, 97.5 %
    assert width == pytest.approx(t * np.sqrt(max(items, people, items + people - answers)), rel=1e-6)
    alone = alpha_with_interval(votes)
    width = np.log((1 - alone.low) / (1 - alone.high)) / 2
    assert width == pytest.approx(2.0484071 * np.sqrt(items), rel=1e-6)  # 28 degrees of freedom


def test_intervals_cover_as_often_as_they_say():
    """Other items and other people: of 200 crowds nineteen in twenty cover what all crowds have in common."""
    rng = stream("coverage of alpha")
    truth = np.mean([krippendorff_alpha(crowd(rng, 2_000, 200, 4, 0.7)[0]) for _ in range(20)])
    both, items = 0, 0
    for _ in range(200):
        votes, item, who, label = crowd(rng, 150, 20, 4, 0.7)
        found = alpha_with_interval(votes, item, who, label)
        both += found.low <= truth <= found.high
        alone = alpha_with_interval(votes)
        items += alone.low <= truth <= alone.high
    assert both >= 0.91 * 200
    assert items < both
