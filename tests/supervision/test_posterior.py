"""Sampling noise and carelessness, removed one at a time, on crowds of which both are known."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.annotators.noise import slip, uniform_others
from fedsoft.errors import DataError
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence, dose, supervise

SHARE = 0.5


def targets(name, evidence, **options):
    return supervise(
        SOURCES.parse({"name": name, **options}), evidence, None, lambda purpose: stream(purpose)
    )[0]


@pytest.fixture(scope="module")
def known(evidence):
    """Builds a crowd: 3,000 images of 4 classes, half of them unambiguous, and what people see in each."""

    def build(rate, votes, share=SHARE):
        rng = stream("known crowd")
        labels = rng.integers(0, 4, 3_000)
        spread = np.eye(4) * 1.2 + np.roll(np.eye(4), 1, axis=1) * 0.6 + 0.05
        truth = np.array([rng.dirichlet(spread[label]) for label in labels])
        clear = rng.random(3_000) < share
        truth[clear] = np.eye(4)[labels[clear]]
        counts = slip(rng.multinomial(votes, truth), rate, uniform_others(4), rng)
        return truth, evidence(counts, labels, rng.integers(0, 5, 3_000))

    return build


def squared_error(rows, truth):
    return ((rows - truth) ** 2).sum(axis=1).mean()


def test_shrunk_by_hand(evidence):
    """Two images of one label whose votes do not differ: the prior's mean is theirs, and so is the target."""
    two = evidence([[3, 1], [3, 1]], labels=[0, 0])
    np.testing.assert_allclose(targets("human_soft_shrunk", two), [[0.75, 0.25]] * 2, atol=1e-3)


@pytest.mark.parametrize("votes", [2, 5])
def test_few_votes_without_slips_are_what_shrinking_mends(known, votes):
    truth, crowd = known(0.0, votes)
    raw, shrunk = targets("human_soft", crowd), targets("human_soft_shrunk", crowd)
    assert squared_error(shrunk, truth) < 0.9 * squared_error(raw, truth)


@pytest.mark.parametrize("votes", [2, 3, 10])
def test_without_slips_carelessness_is_nothing(known, votes):
    _, crowd = known(0.0, votes)
    shrunk = targets("human_soft_shrunk", crowd)
    anchored = targets("human_soft_denoised", crowd, unambiguous_share=SHARE)
    assert dose(shrunk, anchored) < 0.1 * dose(targets("human_soft", crowd), shrunk)
    np.testing.assert_allclose(targets("human_soft_denoised", crowd, slip_rate=0), shrunk, atol=1e-12)


@pytest.mark.parametrize("anchor", [{"unambiguous_share": SHARE}, {"slip_rate": 0.15}], ids=str)
@pytest.mark.parametrize("votes", [3, 10, 30])
def test_denoised_is_nearest_to_what_people_see(known, votes, anchor):
    truth, crowd = known(0.15, votes)
    raw, shrunk = targets("human_soft", crowd), targets("human_soft_shrunk", crowd)
    denoised = targets("human_soft_denoised", crowd, **anchor)
    assert squared_error(denoised, truth) < 0.8 * min(squared_error(raw, truth), squared_error(shrunk, truth))


def test_a_broken_anchor_takes_ambiguity_away(known):
    """Where fewer images are unambiguous than stated, targets come out too sharp."""
    truth, crowd = known(0.1, 10, share=0.2)
    broken, right = (targets("human_soft_denoised", crowd, unambiguous_share=share) for share in (0.7, 0.2))
    assert broken.max(axis=1).mean() > right.max(axis=1).mean() + 0.01
    assert squared_error(right, truth) < squared_error(broken, truth)


def test_many_votes_are_human_soft(known):
    _, crowd = known(0.0, 2_000)
    np.testing.assert_allclose(targets("human_soft_shrunk", crowd), crowd.soft, atol=0.01)


def test_without_an_anchor_it_is_not_identified(known):
    """Half of the images, and more, are unanimous on 10 votes: at most 1 - .5^(1/10) of the votes slip."""
    _, crowd = known(0.0, 10)
    unanimous = (crowd.votes[np.arange(len(crowd)), crowd.labels] == 10).mean()
    words = rf"not identified: .* from 0 to {1 - unanimous**0.1:.3g} is possible; state an anchor"
    with pytest.raises(DataError, match=words):
        targets("human_soft_denoised", crowd)


def test_two_anchors_are_refused():
    with pytest.raises(ValueError, match="either `unambiguous_share` or `slip_rate`"):
        SOURCES.parse({"name": "human_soft_denoised", "unambiguous_share": 0.5, "slip_rate": 0.1})


def test_a_rate_at_which_votes_say_nothing_is_told(known):
    with pytest.raises(DataError, match=r"votes on 4 classes say nothing; state one below 0\.75"):
        targets("human_soft_denoised", known(0.0, 3)[1], slip_rate=0.8)


def test_a_share_that_implies_such_a_rate_is_told():
    votes = np.eye(3, dtype=int)[(np.arange(60) + 1) % 3] * 5  # never for the label
    evidence = Evidence(np.arange(60) % 3, 3, np.zeros(60, int), votes=votes)
    with pytest.raises(DataError, match=r"which an unambiguous share of 0.8 implies, votes .* say nothing"):
        targets("human_soft_denoised", evidence, unambiguous_share=0.8)


def test_more_votes_than_can_be_told_apart_are_refused():
    votes = np.eye(3, dtype=int)[np.arange(60) % 3] * 5
    votes[7, 2] = 600
    evidence = Evidence(np.arange(60) % 3, 3, np.zeros(60, int), votes=votes)
    with pytest.raises(
        DataError, match=r"takes 500 votes an example at most, and one has 60\d; set scenario"
    ):
        targets("human_soft_denoised", evidence, slip_rate=0.05)


def test_clients_are_pooled(known):
    """How images are spread over clients changes nothing: all of them share their sums."""
    _, crowd = known(0.1, 5)
    alone = replace(crowd, client=np.zeros(len(crowd), dtype=int))
    for options in ({"name": "human_soft_shrunk"}, {"name": "human_soft_denoised", "slip_rate": 0.1}):
        np.testing.assert_array_equal(targets(**options, evidence=crowd), targets(**options, evidence=alone))


@pytest.mark.parametrize(
    ("name", "options"), [("human_soft_shrunk", {}), ("human_soft_denoised", {"slip_rate": 0.1})]
)
def test_labels_that_are_the_majority_are_no_evidence(known, name, options):
    """Targets do not depend on how ties were broken, and are nearer to the truth than with labels used."""
    truth, crowd = known(0.1, 4)
    ties = [
        np.argmax(crowd.votes + 0.1 * stream("ties", k=k).random(crowd.votes.shape), axis=1) for k in (0, 1)
    ]
    assert (ties[0] != ties[1]).any()
    mine, again = (
        targets(name, replace(crowd, labels=labels, labels_are_majority=True), **options) for labels in ties
    )
    np.testing.assert_array_equal(mine, again)
    used = targets(name, replace(crowd, labels=ties[0]), **options)
    assert squared_error(mine, truth) < squared_error(used, truth)
