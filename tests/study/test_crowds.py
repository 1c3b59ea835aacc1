"""Simulated people in studies: who answers for whom, and what is known of their quality."""

import numpy as np
import pytest

from fedsoft.analysis.cartography import people_of
from fedsoft.errors import StudyFileError
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.study.targets import Holdings, build_targets
from fedsoft.study.votes import bought_votes
from fedsoft.supervision import SOURCES

SOFT = SOURCES.parse("human_soft")

HOSPITALS = {
    "clients": 8,
    "partition": "iid",
    "parties": [
        {"count": 2, "crowd": {"name": "experts", "people": 3}},
        {"count": 3, "crowd": {"name": "population", "people": 1, "skill": 0.7, "spread": 0}},
        {"count": 2, "crowd": "spammers"},
    ],
}


@pytest.fixture
def ready(tiny, tmp_path):
    """Prepares the first run of the tiny study with changes, or that of another arm."""

    def make(arm: int = 0, **changes):
        study = open_study({**tiny, "strategies": ["fedavg"], "seeds": [0], **changes}, "t.toml", tmp_path)
        return prepare(study.plan.runs[arm], study.store, "cpu")

    return make


def test_people_answer_for_the_clients_of_their_party(ready):
    one = ready(scenario=HOSPITALS, sources=["human_soft", "hard"])
    party = one.settings.scenario.party_of(one.settings.stream("partition", "parties"))
    sizes = one.task.train.sizes
    assert np.bincount(party + 1).tolist() == [1, 2, 3, 2]
    votes = {0: 3, 1: 1, 2: 5, -1: 18}
    assert one.votes_bought == sum(size * votes[p] for size, p in zip(sizes, party.tolist(), strict=True))
    single = one.targets[np.isin(one.task.train.owner, np.flatnonzero(party == 1))]
    assert set(np.unique(single)) == {0, 1}


def test_quality_is_the_share_of_right_answers(ready):
    one = ready(scenario=HOSPITALS, sources=["human_soft", "hard"])
    party = one.settings.scenario.party_of(one.settings.stream("partition", "parties"))
    rows, owner = one.task.train.rows, one.task.train.owner
    right = one.targets[np.arange(len(rows)), one.dataset.labels[rows]]  # shares, of as many votes each
    by_hand = np.bincount(owner, right) / np.bincount(owner)
    np.testing.assert_allclose(one.quality["label"], by_hand)
    found = one.quality["label"]
    assert found[party == 0].min() > 0.85
    assert found[party == 1].mean() == pytest.approx(0.7 * 0.94, abs=0.06)
    assert found[party == 2].max() < 0.2
    assert np.abs(one.quality["majority"] - found).max() < 0.1


def test_quality_of_clients_without_votes_is_that_of_their_labels(ready):
    scenario = {"clients": 4, "label_errors": 0.2}
    one = ready(scenario=scenario, sources=["hard", "smoothing"])
    train = one.task.train
    right = one.labels[train.rows] == one.dataset.labels[train.rows]
    by_hand = np.bincount(train.owner, right) / train.sizes
    np.testing.assert_allclose(one.quality["label"], by_hand)
    assert 0.7 < by_hand.mean() < 0.9
    np.testing.assert_allclose(
        ready(1, scenario=scenario, sources=["hard", "smoothing"]).quality["label"], by_hand
    )


def test_every_run_records_its_clients_quality(finished, tiny, tmp_path, run):
    run_ = finished.plan.runs[0]
    record = finished.store.record(run_.key)
    np.testing.assert_allclose(record["quality"]["label"], [1, 1, 1, 1])  # hard labels
    tiny |= {"sources": ["human_soft"], "rivals": [{"source": "human_soft", "calibration": "temperature"}]}
    tiny |= {"strategies": ["fedavg"], "seeds": [0]}
    study = run(open_study(tiny, "tiny.toml", tmp_path))
    plain, calibrated = (study.store.record(one.key)["quality"] for one in study.plan.runs)
    assert plain == calibrated
    assert all(0.5 < share < 1 for share in plain["label"])


def test_a_client_s_people_do_not_depend_on_its_party(ready):
    """Neither on that party's number nor on who else is in it."""
    experts = {"name": "experts", "people": 3}
    alone = ready(scenario={"clients": 4, "parties": [{"clients": [2], "crowd": experts}]})
    other = [{"clients": [0], "votes": 2}, {"clients": [1, 2, 3], "crowd": experts}]
    among = ready(scenario={"clients": 4, "parties": other})
    assert (alone.task.train.rows == among.task.train.rows).all()
    made = [
        build_targets(
            Holdings(
                one.settings.model_copy(update={"source": SOFT}),
                one.dataset,
                one.labels,
                one.task.train,
                None,
            ),
            None,
        ).rows[one.task.train.owner == 2]
        for one in (alone, among)
    ]
    np.testing.assert_array_equal(*made)
    assert len(np.unique(made[0].round(6))) == 4  # thirds


def test_people_can_be_told_apart_by_methods_that_ask_who_answered(ready):
    """Three who look and two who do not: Dawid-Skene is right more often than the majority."""
    crowd = {"name": "population", "people": 5, "skill": 0.85, "spread": 0, "adversaries": 0.4}
    changes = {"scenario": {"clients": 2, "crowd": crowd}, "sources": ["dawid_skene", "human_hard"]}
    skene, majority = (ready(arm, **changes) for arm in (0, 1))

    def right(one):
        return (one.targets.argmax(axis=1) == one.dataset.labels[one.task.train.rows]).mean()

    assert right(skene) > right(majority) + 0.05


def test_answers_may_be_distributions(ready):
    crowd = {"name": "population", "people": 3, "answer": "distribution", "confidence": 3}
    one = ready(scenario={"clients": 2, "crowd": crowd}, sources=["human_soft"])
    np.testing.assert_allclose(one.targets.sum(axis=1), 1)
    assert 0 < one.summary["entropy"] < np.log(10) / 2
    with pytest.raises(StudyFileError, match="the scenario has a crowd that answers with distr"):
        ready(scenario={"clients": 2, "crowd": crowd}, sources=[{"name": "votes_k", "k": 2}])
    with pytest.raises(StudyFileError, match="needs to know who gave each answer"):
        ready(scenario={"clients": 2, "crowd": crowd}, sources=["dawid_skene"])


def test_people_answer_where_data_have_labels_alone(tmp_path, tiny):
    labels = np.arange(120) % 3
    np.savez(tmp_path / "d.npz", features=np.eye(3)[labels], labels=labels)
    tiny |= {"dataset": {"name": "npz", "path": str(tmp_path / "d.npz")}, "model": "linear"}
    tiny |= {"sources": ["human_soft", "dawid_skene"], "seeds": [0]}
    tiny["scenario"] = {"clients": 2, "crowd": {"name": "population", "people": 4, "skill": 0.8, "spread": 0}}
    study = open_study(tiny, "t.toml", tmp_path / "out")
    one = prepare(study.plan.runs[0], study.store, "cpu")
    assert one.quality["label"].mean() == pytest.approx(0.8, abs=5 * np.sqrt(0.16 / 340))
    assert "majority" not in one.quality
    tiny["scenario"] = {"clients": 2, "parties": [{"count": 1, "crowd": "experts"}]}
    with pytest.raises(StudyFileError, match="needs human votes"):
        open_study(tiny, "t.toml", tmp_path / "other")


def test_nobody_who_is_simulated_buys_the_data_s_votes(tiny, tmp_path):
    tiny |= {
        "sources": ["human_soft"],
        "scenario": {"clients": 4, "parties": [{"count": 1, "crowd": "experts"}]},
    }
    run = open_study(tiny, "tiny.toml", tmp_path).plan.runs[0]
    data = load_dataset(run.dataset)
    train = deal_data(run, data).train
    party = run.scenario.party_of(run.stream("partition", "parties"))[train.owner]
    bought = bought_votes(run, data, train)
    assert not bought[party == 0].any()
    np.testing.assert_array_equal(bought[party < 0], data.votes[train.rows[party < 0]])


def test_training_examples_are_mapped_against_all_votes_where_people_are_simulated(tiny, tmp_path):
    """Halves of them tell their reliability, since no client bought any."""
    tiny |= {"sources": ["human_soft"], "scenario": {"clients": 4, "crowd": "experts"}}
    found = people_of(open_study(tiny, "tiny.toml", tmp_path).plan.runs[0])
    assert found.unseen
    assert 0.1 < found.reliability < 1


def test_a_crowd_changes_no_key_of_runs_without_one(finished):
    assert all("crowd" not in str(run.model_dump(exclude_defaults=True)) for run in finished.plan.runs)


def test_teachers_see_no_people(tiny, tmp_path):
    tiny |= {"sources": ["teacher"], "scenario": {"clients": 4}}
    plain = open_study(tiny, "tiny.toml", tmp_path / "a").plan.runs[0]
    tiny |= {"scenario": {"clients": 4, "crowd": "experts"}}
    crowded = open_study(tiny, "tiny.toml", tmp_path / "b").plan.runs[0]
    assert plain.key != crowded.key
    assert [one.key for one in plain.teachers()] == [one.key for one in crowded.teachers()]
