"""Single answers follow what happens to the votes that they are counted in."""

import numpy as np
import pytest

from fedsoft.annotators import AnnotatorPool, FewVotesError
from fedsoft.datasets import Annotations
from fedsoft.datasets.answered import count
from fedsoft.streams import stream

ITEMS, PEOPLE, CLASSES = 400, 12, 3


@pytest.fixture
def answers():
    rng = stream("answers")
    person = np.concatenate([rng.choice(PEOPLE, 6, replace=False) for _ in range(ITEMS)])
    return Annotations(np.repeat(np.arange(ITEMS), 6), person, rng.integers(CLASSES, size=6 * ITEMS))


def collect(answers, **options):
    votes = count(answers.item, answers.label, ITEMS, CLASSES)
    labels = votes.argmax(axis=1)
    pool = AnnotatorPool.parse(options)
    given = pool.collect_answers(votes, labels, answers, lambda purpose: stream(purpose))
    return pool.collect(votes, labels, stream("votes collected")), *given


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"votes": 2},
        {"noise": {"name": "slips", "rate": 0.3}},
        {"votes": 3, "noise": {"name": "confusion", "rate": 0.5}},
    ],
)
def test_answers_are_those_that_the_votes_count(options, answers):
    plain, votes, mine = collect(answers, **options)
    np.testing.assert_array_equal(votes, plain)  # whether or not anybody asks whose they are
    np.testing.assert_array_equal(count(mine.item, mine.label, ITEMS, CLASSES), votes)
    pairs = set(zip(answers.item.tolist(), answers.annotator.tolist(), strict=True))
    kept = list(zip(mine.item.tolist(), mine.annotator.tolist(), strict=True))
    assert len(set(kept)) == len(kept)
    assert set(kept) <= pairs


def test_who_slips_is_random_and_as_often_as_told(answers):
    _, _, mine = collect(answers, noise={"name": "slips", "rate": 0.3})
    said = {(i, p): c for i, p, c in zip(answers.item, answers.annotator, answers.label, strict=True)}
    slipped = np.array(
        [said[i, p] != c for i, p, c in zip(mine.item, mine.annotator, mine.label, strict=True)]
    )
    by_person = np.bincount(mine.annotator, slipped) / np.bincount(mine.annotator)
    assert np.abs(by_person - 0.3).max() < 5 * np.sqrt(0.21 / 200)


def test_fewer_answers_than_are_bought_are_told_or_taken(answers):
    few = Annotations(answers.item[3:], answers.annotator[3:], answers.label[3:])
    votes = count(few.item, few.label, ITEMS, CLASSES)
    pool = AnnotatorPool(votes=4)
    with pytest.raises(FewVotesError, match=r"1 example has fewer \(the first is number 0, with 3\)"):
        pool.collect_answers(votes, votes.argmax(axis=1), few, lambda purpose: stream(purpose))
    taken, mine = pool.collect_answers(votes, votes.argmax(axis=1), few, lambda p: stream(p), fewer=True)
    assert taken.sum(axis=1).tolist() == [3] + [4] * (ITEMS - 1)
    assert len(mine.item) == taken.sum()


def test_images_without_votes_stay_without():
    votes = np.array([[0, 0], [3, 1]])
    assert AnnotatorPool(votes=2).draw(votes, stream("draw")).sum(axis=1).tolist() == [0, 2]
