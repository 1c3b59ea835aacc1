"""Clients who are people hold what these answered."""

import numpy as np
import pytest

from fedsoft.datasets import Annotations
from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Scenario, deal
from fedsoft.streams import stream

N = 60
ANSWERS = Annotations(  # person p answers every item that p + 1 divides, so that person 0 answers all
    *np.array([(item, person, item % 3) for person in range(6) for item in range(0, N, person + 1)]).T,
    annotator_ids=np.array([f"w{p}" for p in range(6)]),
)
LABELS = np.arange(N) % 3


def dealt(clients, answers=ANSWERS, **options):
    tested = np.arange(N) % 5 == 0
    partition = PARTITIONS.parse({"name": "by_annotator", **options})
    return deal(LABELS, ~tested, tested, partition, clients, lambda purpose: stream(purpose), answers=answers)


def test_a_person_is_a_client_with_the_items_that_they_answered():
    d = dealt(6, people=1)
    assert d.team.tolist() == [0, 1, 2, 3, 4, 5]
    may = np.setdiff1d(np.arange(N), np.concatenate([np.arange(0, N, 5), d.validation.rows]))
    for client in range(6):
        np.testing.assert_array_equal(d.train.of(client), may[may % (client + 1) == 0])


def test_what_validates_and_what_tests_is_trained_on_by_nobody():
    d = dealt(6, people=1)
    assert len(d.validation.rows) == 4  # a tenth of 48
    assert not np.intersect1d(d.train.rows, d.validation.rows).size
    assert not np.intersect1d(d.train.rows, d.test.rows).size
    assert sorted(d.test.rows) == list(range(0, N, 5))


def test_people_are_dealt_into_teams():
    d = dealt(3)
    assert np.bincount(d.team).tolist() == [2, 2, 2]
    for client in range(3):
        both = np.isin(ANSWERS.annotator, np.flatnonzero(d.team == client))
        assert set(d.train.of(client)) <= set(ANSWERS.item[both])


def test_those_with_most_answers_are_chosen():
    assert dealt(2, people=1).team.tolist() == [0, 1, -1, -1, -1, -1]
    assert (dealt(2, people=2).team >= 0).tolist() == [True] * 4 + [False] * 2


def test_too_few_people_are_told():
    with pytest.raises(StudyFileError, match="has 6 annotators for 7 clients"):
        dealt(7)
    with pytest.raises(StudyFileError, match="needs to know who answered what"):
        dealt(2, answers=None)


def among(seed, **options):
    return PARTITIONS.parse({"name": "by_annotator", **options}).may_be_clients(ANSWERS, seed)


def test_people_are_in_one_set_each_the_same_in_all_seeds():
    masks = np.stack([among(seed, sets=3) for seed in range(6)])
    np.testing.assert_array_equal(masks[:3].sum(axis=0), 1)
    np.testing.assert_array_equal(masks[:3].sum(axis=1), 2)
    np.testing.assert_array_equal(masks[:3], masks[3:])
    assert among(0) is None


def test_a_seeds_clients_are_of_its_set():
    mask = among(1, sets=2, people=1)
    tested = np.arange(N) % 5 == 0
    partition = PARTITIONS.parse({"name": "by_annotator", "people": 1, "sets": 2})
    made = deal(
        LABELS, ~tested, tested, partition, 3, lambda purpose: stream(purpose), answers=ANSWERS, among=mask
    )
    np.testing.assert_array_equal(made.team >= 0, mask)
    with pytest.raises(
        StudyFileError, match=r"has 3 annotators in the seed's set for 4 clients.*or the sets"
    ):
        partition.teams(ANSWERS, 4, stream("partition"), mask)


def test_without_sets_a_run_has_the_key_that_it_always_had():
    """Keys are hashes of what `dump` gives."""
    assert PARTITIONS.parse({"name": "by_annotator"}).dump() == {"name": "by_annotator", "people": None}
    assert PARTITIONS.parse({"name": "by_annotator", "sets": 2}).dump()["sets"] == 2


def test_parties_by_annotator():
    scenario = Scenario.model_validate(
        {
            "clients": 3,
            "partition": "by_annotator",
            "parties": [{"annotators": ["w4", "w0"], "source": "hard"}],
        }
    )
    assert scenario.party_of(stream("parties"), {"w0": 2, "w4": 1, "w5": 2}).tolist() == [-1, 0, 0]
    with pytest.raises(StudyFileError, match=r"'w4' is in no client's team .*known: w0"):
        scenario.party_of(stream("parties"), {"w0": 2})
    with pytest.raises(ValueError, match="where clients are people"):
        Scenario.model_validate({"parties": [{"annotators": ["w0"]}]})
    with pytest.raises(ValueError, match="clients in some seeds only; leave out `sets`"):
        Scenario.model_validate(
            {"partition": {"name": "by_annotator", "sets": 2}, "parties": [{"annotators": ["w0"]}]}
        )
