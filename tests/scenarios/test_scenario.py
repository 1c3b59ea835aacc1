"""Parties: who among the clients has labels from elsewhere."""

import numpy as np
import pytest
from pydantic import ValidationError

from fedsoft.scenarios import Scenario
from fedsoft.streams import stream


def parties(*tables, clients=10):
    return Scenario.model_validate({"clients": clients, "parties": tables})


def party_of(scenario, seed=0):
    return scenario.party_of(stream("parties", seed=seed))


def test_without_parties_everyone_is_alike():
    scenario = Scenario(clients=3, votes=5, noise={"name": "slips", "rate": 0.1})
    assert party_of(scenario).tolist() == [-1, -1, -1]
    everyone = scenario.party(-1)
    assert everyone.source is None
    assert everyone.pool.label() == "(votes=5, noise=slips(rate=0.1))"


def test_clients_by_number_and_by_share():
    scenario = parties({"clients": [1, 4], "source": "hard"}, {"share": 0.3, "votes": 2})
    found = party_of(scenario)
    assert np.flatnonzero(found == 0).tolist() == [1, 4]
    assert (found == 1).sum() == 3
    assert (found == -1).sum() == 5
    assert scenario.party(0).source.label() == "hard"
    assert scenario.party(1).pool.votes == 2


def test_shares_are_drawn():
    scenario = parties({"share": 0.3})
    np.testing.assert_array_equal(party_of(scenario), party_of(scenario))
    frequency = np.mean([party_of(scenario, seed) == 0 for seed in range(2_000)], axis=0)
    np.testing.assert_allclose(frequency, 0.3, atol=5 * np.sqrt(0.3 * 0.7 / 2_000))


def test_a_number_of_clients_is_that_many_however_many_there_are():
    for clients in (8, 20, 101):
        found = party_of(parties({"count": 3}, {"clients": [0]}, {"count": 4}, clients=clients))
        assert np.bincount(found + 1).tolist() == [clients - 8, 3, 1, 4]
    frequency = np.mean([party_of(parties({"count": 3}), seed) == 0 for seed in range(2_000)], axis=0)
    np.testing.assert_allclose(frequency, 0.3, atol=5 * np.sqrt(0.3 * 0.7 / 2_000))


def test_a_scenario_says_whether_people_are_simulated():
    assert not parties({"count": 3, "votes": 2}).simulated
    assert parties({"count": 3, "crowd": "experts"}).simulated
    everyone = Scenario.model_validate({"crowd": {"name": "population", "people": 7}, "votes": 3})
    assert everyone.simulated
    assert everyone.party(-1).crowd.label() == "population(people=7)"


@pytest.mark.parametrize("clients", range(2, 12))
def test_shares_that_sum_to_one_leave_nobody_out(clients):
    halves = party_of(parties({"share": 0.5}, {"share": 0.5}, clients=clients))
    assert set(halves) == {0, 1}
    assert abs((halves == 0).sum() - (halves == 1).sum()) <= 1


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ([{"source": "hard"}], "takes one of `count`, `share`, `clients` and `annotators`"),
        ([{"share": 0.5, "clients": [1]}], "takes one of `count`, `share`, `clients` and `annotators`"),
        ([{"clients": []}], "at least 1 item"),
        ([{"clients": [1, 1]}], "a client is named twice in parties"),
        ([{"clients": [1, 2]}, {"clients": [2]}], "a client is named twice in parties"),
        ([{"clients": [10]}], "parties name clients outside 0 to 9"),
        ([{"clients": [-1]}], "parties name clients outside 0 to 9"),
        ([{"share": 0.6}, {"share": 0.6}], "the parties ask for more clients than there are"),
        ([{"share": 0.6}, {"clients": [0, 1, 2, 3, 4]}], "the parties ask for more clients than there are"),
        ([{"share": 0.01}], "a party's share of 0.01 of 10 clients is none"),
        ([{"share": 0}], "greater than 0"),
        ([{"count": 0}], "greater than or equal to 1"),
        ([{"count": 2, "share": 0.5}], "takes one of `count`"),
        ([{"count": 6}, {"count": 5}], "the parties ask for more clients than there are"),
        ([{"count": 5}, {"share": 0.6}], "the parties ask for more clients than there are"),
        ([{"count": 5, "crowd": "expert"}], "unknown crowd 'expert' \\(did you mean 'experts'"),
        (
            [{"count": 1, "crowd": {"name": "experts", "people": 3}, "votes": 4}],
            "4 votes an example are more than the 3 of the crowd's people",
        ),
        (
            [{"count": 1, "crowd": "experts", "noise": {"name": "slips", "rate": 0.1}}],
            "simulated people err by themselves",
        ),
        (
            [{"count": 1, "crowd": {"name": "population", "spammers": 0.6, "adversaries": 0.5}}],
            "spammers and adversaries are more than all people",
        ),
        (
            [{"count": 1, "crowd": {"name": "population", "confidence": 2}}],
            'set answer = "distribution"',
        ),
        ([{"share": 0.5, "source": "hart"}], "unknown label source 'hart' \\(did you mean 'hard'"),
        ([{"share": 0.5, "vote": 3}], "Extra inputs"),
    ],
)
def test_impossible_parties_are_told(tables, words):
    with pytest.raises(ValidationError, match=words):
        parties(*tables)


def test_a_scenario_is_written_as_it_is_read():
    table = {
        "clients": 4,
        "partition": {"name": "dirichlet", "alpha": 0.2},
        "participation": 0.5,
        "parties": [
            {"clients": [0], "source": {"name": "votes_k", "k": 2}},
            {"share": 0.5, "noise": "none"},
            {"count": 1, "crowd": {"name": "spammers", "spam": "one_class"}},
        ],
    }
    scenario = Scenario.model_validate(table)
    assert Scenario.model_validate(scenario.model_dump()) == scenario
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario
