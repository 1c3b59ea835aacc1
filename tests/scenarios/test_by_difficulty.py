"""The referral hospital gets the hard cases."""

import numpy as np
import pytest

from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Known, Scenario, deal, difficulty_of
from fedsoft.streams import stream

LABELS = stream("labels").integers(0, 10, 2_000)
VOTES = stream("votes").multinomial(6, [0.75, 0.15, 0.1], 2_000)
DIFFICULTY = difficulty_of(VOTES)


def owners(choice, clients, difficulty, seed=0):
    known = Known(LABELS, difficulty=difficulty)
    return PARTITIONS.parse(choice).owners(known, clients, stream("partition", seed=seed))


def test_difficulty_is_the_entropy_of_votes():
    votes = np.array([[4, 0, 0], [2, 2, 0], [1, 2, 3], [3, 2, 1], [1, 1, 1], [0, 0, 0]])
    found = difficulty_of(votes)
    np.testing.assert_allclose(found[[0, 1, 4]], np.log([1, 2, 3]))
    assert found[2] == found[3] == pytest.approx(np.log(6) / 6 + np.log(3) / 3 + np.log(2) / 2)
    assert np.isnan(found[5])
    np.testing.assert_allclose(difficulty_of(np.array([[0.5, 1.5]])), 0.75 * np.log(4 / 3) + 0.25 * np.log(4))


def test_people_have_their_commonest_label_their_group_and_mean_difficulty():
    known = Known(np.array([0, 1, 1, 2]), np.array([7, 7, 7, 8]), np.array([0.5, 0.1, np.nan, np.nan]))
    people = known.of_people(np.array([0, 0, 0, 1]))
    assert people.labels.tolist() == [1, 2]
    assert people.groups.tolist() == [7, 8]
    np.testing.assert_allclose(people.difficulty, [0.3, np.nan])


@pytest.mark.parametrize(("share", "hard"), [(None, 400), (0.1, 200), (0.5, 1_000)])
def test_referral_clients_hold_the_hardest(share, hard):
    owner = owners({"name": "by_difficulty", "share": share}, 10, difficulty=DIFFICULTY)
    sizes = np.bincount(owner)
    assert sizes[:2].tolist() == [hard / 2] * 2
    assert sizes[2:].tolist() == [(2_000 - hard) / 8] * 8
    referred = owner < 2
    assert DIFFICULTY[referred].min() >= DIFFICULTY[~referred].max()
    means = [DIFFICULTY[owner == client].mean() for client in range(10)]
    assert np.ptp(means[:2]) < 0.1
    assert np.ptp(means[2:]) < 0.2


def test_ties_are_broken_at_random():
    """All alike: everyone is as likely to be referred."""
    times = sum(owners("by_difficulty", 4, seed=s, difficulty=np.zeros(2_000)) < 2 for s in range(200)) / 200
    assert times.min() > 0.3
    assert times.max() < 0.7


def test_nobody_gets_the_hardest_of_the_hard():
    """Nor of the rest: who of two referral clients, and of two others, has it is left to chance."""
    difficulty = np.linspace(0, 1, 2_000)
    dealt = np.stack([owners("by_difficulty", 4, difficulty, seed) for seed in range(200)])
    assert (dealt[:, -1] == 0).mean() == pytest.approx(0.5, abs=0.15)
    assert (dealt[:, 0] == 2).mean() == pytest.approx(0.5, abs=0.15)


def test_what_has_no_votes_is_not_hard():
    difficulty = np.where(np.arange(2_000) < 500, DIFFICULTY, np.nan)
    owner = owners({"name": "by_difficulty", "share": 0.25}, 10, difficulty=difficulty)
    np.testing.assert_array_equal(owner < 2, np.arange(2_000) < 500)
    with pytest.raises(
        StudyFileError, match="the hardest 600 of 2,000 examples, and 500 have votes; lower `share`"
    ):
        owners({"name": "by_difficulty", "share": 0.3}, 10, difficulty=difficulty)


def test_impossible_referral_is_told():
    with pytest.raises(
        StudyFileError, match="people disagree, and the data have no votes; add them, or choose"
    ):
        owners("by_difficulty", 5, None)
    with pytest.raises(StudyFileError, match="has 2 referral clients of 2 clients, and needs others too"):
        owners("by_difficulty", 2, difficulty=DIFFICULTY)


@pytest.mark.parametrize("known", ["all", "some", "none"])
def test_referral_clients_are_tested_on_hard_cases(known):
    tested = np.arange(2_000) % 5 == 0
    there = {"all": np.ones(2_000, dtype=bool), "some": np.arange(2_000) % 3 > 0, "none": ~tested}[known]
    difficulty = np.where(there, DIFFICULTY, np.nan)
    d = deal(Known(LABELS, None, difficulty), ~tested, tested, PARTITIONS.parse("by_difficulty"), 10, stream)
    assert d.test.sizes.tolist() == [40] * 10
    assert d.strangers == 0
    referred = np.isin(d.test.owner, [0, 1])
    ranks = np.nan_to_num(difficulty, nan=-1)[d.test.rows]
    assert ranks[referred].min() >= ranks[~referred].max()


def test_parties_name_referral_clients():
    scenario = Scenario.model_validate(
        {
            "clients": 20,
            "partition": {"name": "by_difficulty", "referral": 2},
            "parties": [{"clients": [0, 1], "votes": 5}, {"share": 0.6, "votes": 1}],
        }
    )
    assert scenario.party_of(stream("parties"))[:2].tolist() == [0, 0]
