import numpy as np
import pytest

from fedsoft.annotators.spread import DRAWS, ENOUGH, differences
from fedsoft.streams import stream

ITEMS, PEOPLE = 300, 30


def answers(lean):
    """Everybody answers every item; person r says 1 more often by lean[r]."""
    rng = stream("people who lean")
    item, who = (some.ravel() for some in np.indices((ITEMS, PEOPLE)))
    says = rng.random(ITEMS)[item] * 0.6 + 0.2 + np.asarray(lean)[who]
    return item, who, (rng.random(len(item)) < says).astype(int)


def test_people_who_are_alike_differ_as_chance_has_it():
    found = differences(*answers(np.zeros(PEOPLE)), PEOPLE, 2, stream("dealt"))
    says = found.says[1]
    assert found.people == PEOPLE
    # a share of 300 answers with probabilities .2 to .8: standard deviation sqrt(.5 * .5 - .03) / sqrt(300)
    reach = 1.2816 * np.sqrt(0.22 / ITEMS)
    assert (says.chance_high - says.chance_low) / 2 == pytest.approx(reach, rel=0.15)
    assert not says.beyond
    assert not found.agreement.beyond
    assert abs(says.excess) < reach


def test_what_people_differ_in_is_seen_beside_chance():
    lean = np.linspace(-0.2, 0.2, PEOPLE)
    found = differences(*answers(lean), PEOPLE, 2, stream("dealt"))
    assert found.says[1].beyond
    # leans run from -.16 to .16 between the 10th and the 90th percentile
    assert found.says[1].high - found.says[1].low == pytest.approx(0.32, abs=0.06)
    assert found.says[1].chance_high - found.says[1].chance_low < 0.1
    assert found.says[0].excess == pytest.approx(found.says[1].excess, abs=1e-9)  # of two classes


def test_what_items_explain_is_no_difference_between_people():
    """Half of the people saw items of class 0 alone, the others items of class 1."""
    item, who = (some.ravel() for some in np.indices((100, 10)))
    kept = (item % 2) == (who % 2)
    item, who = item[kept], who[kept]
    found = differences(item, who, item % 2, 10, 2, stream("dealt"))
    says = found.says[1]
    assert (says.low, says.high) == (says.chance_low, says.chance_high) == (0, 1)
    assert not says.beyond


def test_people_with_few_answers_are_left_out():
    item, who, label = answers(np.zeros(PEOPLE))
    few = (item >= ENOUGH) & (who == 3) | (item >= ENOUGH - 1) & (who > 3)
    found = differences(item[~few], who[~few], label[~few], PEOPLE, 2, stream("dealt"))
    assert found.people == 4
    nobody = item < ENOUGH - 1
    assert differences(item[nobody], who[nobody], label[nobody], PEOPLE, 2, stream("dealt")) is None


def test_chance_alone_is_rarely_beyond():
    """Wider than each of the crowds dealt: one time in `DRAWS` + 1."""
    rng, beyond = stream("who is alike"), 0
    for _ in range(100):
        item, who = (some.ravel() for some in np.indices((40, 8)))
        label = (rng.random(len(item)) < rng.random(40)[item]).astype(int)
        beyond += differences(item, who, label, 8, 2, rng).says[1].beyond
    assert beyond <= 100 / (DRAWS + 1) + 3 * np.sqrt(100 / (DRAWS + 1))
