from itertools import permutations, product

import numpy as np
import pytest

from fedsoft.annotators.beside import Beside
from fedsoft.annotators.people import people_of
from fedsoft.annotators.shares import shares
from fedsoft.annotators.tails import log_tail_bound
from fedsoft.streams import stream

# Four people, four items; person 3 alone answers the last.
ITEM = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3])
WHO = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3])
LABEL = np.array([0, 0, 1, 2, 2, 2, 0, 1, 1])


def test_by_hand():
    found = people_of(ITEM, WHO, LABEL, 4, 3, np.array([0, 1, -1, 1]), np.array([[0, 1, 0, 0], [1, 1, 2, 1]]))
    assert found.answers.tolist() == [3, 3, 2, 1]
    np.testing.assert_allclose(
        found.agreement.share, [(1 / 2 + 1 + 0) / 3, (1 / 2 + 1 + 0) / 3, 1 / 2, np.nan]
    )
    assert found.agreement.of.tolist() == [3, 3, 2, 0]
    np.testing.assert_allclose(found.others, [1 / 2, 1 / 2, 1, np.nan])
    np.testing.assert_allclose(found.says[0], [2 / 3, 0, 1 / 3])
    # beside person 0: one 0 and one 1, two 2, one 1
    np.testing.assert_allclose(found.expected[0], [1 / 6, 1 / 2, 1 / 3])
    np.testing.assert_allclose(found.guessing[0], 1 / 6 * 3 / 9 + 1 / 2 * 3 / 9 + 1 / 3 * 3 / 9)
    np.testing.assert_allclose(found.right.share, [1 / 2, 1 / 2, 0, 1])
    np.testing.assert_allclose(found.consistent.share, [np.nan, 1 / 2, np.nan, np.nan])
    assert not found.standing.anyhow.any()


def test_where_labels_are_the_votes_nobody_is_right():
    found = people_of(ITEM, WHO, LABEL, 4, 3)
    assert found.right is None
    assert found.consistent is None


def test_an_items_second_answer_of_one_person_counts_for_nothing():
    twice = people_of(np.r_[ITEM, 0], np.r_[WHO, 1], np.r_[LABEL, 2], 4, 3)
    np.testing.assert_array_equal(twice.agreement.share, people_of(ITEM, WHO, LABEL, 4, 3).agreement.share)


def test_agreement_the_long_way():
    rng = stream("agreement")
    item, who = (some.ravel() for some in np.indices((40, 7)))
    kept = rng.random(len(item)) < 0.6
    item, who = item[kept], who[kept]
    label = rng.integers(0, 4, len(item))
    found = people_of(item, who, label, 7, 4)
    for person in range(7):
        mine, others, spread = [], [], np.zeros(4)
        for one in np.flatnonzero(who == person):
            beside = label[(item == item[one]) & (who != person)]
            if len(beside):
                mine.append((beside == label[one]).mean())
                spread += np.bincount(beside, minlength=4) / len(beside)
            if len(beside) > 1:
                others.append(np.mean([a == b for a, b in permutations(beside, 2)]))
        assert found.agreement.share[person] == pytest.approx(np.mean(mine))
        assert found.others[person] == pytest.approx(np.mean(others))
        np.testing.assert_allclose(found.expected[person], spread / len(mine))
        blind = np.mean([label == c for c in range(4)], axis=1) @ spread / len(mine)
        assert found.guessing[person] == pytest.approx(blind)


def test_wilson_as_published():
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
    found = shares(np.array([81, 15, 0, 1]), np.array([263, 148, 20, 29]))
    np.testing.assert_allclose(found.low, [0.2553, 0.0624, 0.0000, 0.0061], atol=5e-5)
    np.testing.assert_allclose(found.high, [0.3662, 0.1605, 0.1611, 0.1718], atol=5e-5)


def test_a_tail_bound_is_never_below_the_tail_and_near_it():
    rng = stream("tails")
    for _ in range(20):
        value = rng.random((6, 3)).round(1)
        prob = rng.dirichlet(np.ones(3), 6)
        sums = [
            (value[range(6), way].sum(), prob[range(6), way].prod()) for way in product(range(3), repeat=6)
        ]
        totals, chances = (np.array(column) for column in zip(*sums, strict=True))
        for observed in np.quantile(totals, [0.3, 0.8, 0.95, 1.0]):
            exact = chances[totals >= observed - 1e-9].sum()
            bound = np.exp(
                log_tail_bound(
                    np.array([observed]), value.ravel(), prob.ravel(), np.repeat(np.arange(6), 3),
                    np.zeros(6, dtype=int),
                )[0]
            )  # fmt: skip
            assert exact <= bound * (1 + 1e-6)
            assert bound < 8 * exact or (bound == 1 and exact > 0.01)  # near the mean, no search
        # at the highest sum there is one way, and the bound is its probability
        top = value == value.max(axis=1, keepdims=True)
        assert bound == pytest.approx((prob * top).sum(axis=1).prod(), rel=0.02) or exact > 0.02


def test_sums_of_binary_draws_have_the_published_bound():
    """Of equal draws: exp(-n KL(share, p)) (Hoeffding 1963, JASA 58:13, theorem 1)."""
    n, p, hits = 40, 0.3, 22
    value, prob = np.tile([0.0, 1.0], n), np.tile([1 - p, p], n)
    found = log_tail_bound(
        np.array([float(hits)]), value, prob, np.repeat(np.arange(n), 2), np.zeros(n, dtype=int)
    )
    share = hits / n
    kl = share * np.log(share / p) + (1 - share) * np.log((1 - share) / (1 - p))
    assert found[0] == pytest.approx(-n * kl, rel=1e-6)
    few = log_tail_bound(np.array([3.0]), value, prob, np.repeat(np.arange(n), 2), np.zeros(n, dtype=int))
    assert few[0] == pytest.approx(0, abs=0.02)


def crowd(rng, items, people, answers, classes, spoil=None):
    """A crowd that answers at random from each item's own distribution; people differ in how much."""
    truth = rng.dirichlet(np.full(classes, 0.3), items)
    activity = rng.pareto(1.0, people) + 0.05
    keys = rng.exponential(1, (items, people)) / activity
    who = np.argsort(keys, axis=1)[:, :answers].ravel()
    item = np.repeat(np.arange(items), answers)
    label = (np.cumsum(truth[item], axis=1)[:, :-1] < rng.random((len(item), 1))).sum(axis=1)
    if spoil is not None:
        label = spoil(who, label)
    return item, who, label


def test_people_who_are_alike_rarely_stand_out():
    """Of 200 crowds, many of whose people gave one to five answers, at most one in twenty accuses anybody."""
    rng = stream("people who are alike")
    accused = 0
    for number in range(200):
        item, who, label = crowd(rng, 60, 30, 3 + number % 3, 2 + number % 3)
        accused += people_of(item, who, label, 30, 5).standing.anyhow.any()
    assert accused <= 10


def test_planted_people_are_found_and_nobody_else():
    """One guesses, one always says the same, one turns the classes round; the rest are alike."""

    def spoil(who, label):
        label = np.where(who == 0, rng.integers(0, 3, len(label)), label)
        label = np.where(who == 1, 2, label)
        return np.where(who == 2, (label + 1) % 3, label)

    rng = stream("planted people")
    for _ in range(5):
        item, who, label = crowd(rng, 400, 25, 5, 3, spoil)
        enough = np.bincount(who, minlength=25)[:3] >= 100
        found = people_of(item, who, label, 25, 3)
        assert found.standing.less[:3][enough].all()
        assert not found.standing.less[3:].any()
        assert found.standing.says_more[1, 2] or not enough[1]
        assert found.blind[0] or not enough[0]
        assert not found.blind[3:].any()
        assert found.says[1].tolist() == [0, 0, 1]


def test_someone_who_knows_better_stands_out_too():
    rng = stream("guessers and one who looks")
    truth = rng.integers(0, 3, 300)
    item, who = (some.ravel() for some in np.indices((300, 6)))
    label = np.where((who < 3) | (rng.random(len(who)) < 0.3), truth[item], rng.integers(0, 3, len(who)))
    standing = people_of(item, who, label, 6, 3).standing
    assert standing.more.tolist() == [True] * 3 + [False] * 3
    assert standing.less.tolist() == [False] * 3 + [True] * 3


def test_memory_is_that_of_the_answers():
    """One item that 5,000 people answered, beside many that three did."""
    rng = stream("one control item")
    item = np.r_[np.zeros(5_000, dtype=int), np.repeat(np.arange(1, 3_000), 3)]
    label = rng.integers(0, 50, len(item))
    assert len(Beside.of(item, label, 50).entry_of) <= 5_000 * 50 + 3 * len(item)
