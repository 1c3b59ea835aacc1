"""Maps of the training examples, and people's votes that nobody trained on."""

import csv

import numpy as np
import pytest
import torch
from scipy import stats

from fedsoft.analysis.cartography import make_atlas, over_seeds, people_of
from fedsoft.analysis.digest import digest
from fedsoft.federation.records import to_parameters
from fedsoft.files import read_npz
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.training import predict


@pytest.fixture
def mapped(tiny):
    """The tiny study with maps; clients buy eight of eighteen votes, and those of the party slip."""
    tiny |= {"sources": ["hard", "human_soft", "teacher"], "strategies": ["fedavg"], "cartography": True}
    tiny["scenario"] = {
        "clients": 4,
        "votes": 8,
        "parties": [{"clients": [2], "votes": 5, "noise": {"name": "slips", "rate": 0.5}}],
    }
    return tiny


def label_probability(study, run):
    """What the run's final model gives to the dataset's label of each training example, and its hits."""
    ready = prepare(run, study.store, "cpu")
    task, rows = ready.task, ready.task.train.rows
    model = to_parameters(read_npz(study.store.run_folder(run.key) / "model.npz"), torch.device("cpu"))
    probs = predict(task.model, model, task.inputs[rows]).numpy()
    labels = ready.dataset.labels[rows]
    return rows, probs[np.arange(len(rows)), labels], probs.argmax(axis=1) == labels


def test_a_map_is_over_all_rounds(mapped, tmp_path, run):
    """Runs of one, two and three rounds pass through the same models."""
    mapped |= {"training": {"stop": "best_validation", "lr": 0.3}}
    whole = run(open_study(mapped, "tiny.toml", tmp_path / "3"))
    one = whole.plan.runs[0]
    made, seen = whole.store.predictions(one.key), []
    for rounds in (1, 2, 3):
        table = mapped | {"rounds": rounds, "sources": ["hard"], "training": {"lr": 0.3}}
        study = run(open_study(table, "tiny.toml", tmp_path / f"{rounds} rounds"))
        seen.append(label_probability(study, study.plan.runs[0]))
    p, hits = np.stack([row[1] for row in seen]), np.stack([row[2] for row in seen])
    np.testing.assert_array_equal(made["train_rows"], seen[0][0])
    np.testing.assert_allclose(made["cartography_confidence"], p.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(made["cartography_variability"], p.std(axis=0), atol=1e-6)
    np.testing.assert_allclose(made["cartography_correctness"], hits.mean(axis=0), atol=1e-6)


def test_a_map_changes_no_other_number_and_teachers_have_none(mapped, tmp_path, run, models):
    mapped["sources"] = ["hard", "teacher"]
    with_map = run(open_study(mapped, "tiny.toml", tmp_path / "map"))
    without = run(open_study(mapped | {"cartography": False}, "tiny.toml", tmp_path / "none"))
    for one, other in zip(with_map.plan.runs, without.plan.runs, strict=True):
        made, plain = with_map.store.predictions(one.key), without.store.predictions(other.key)
        assert made["test"].tobytes() == plain["test"].tobytes()
        assert not [name for name in plain if "cartography" in name]
    teachers = {run.key for run in with_map.plan.phases[0]}
    assert teachers == {run.key for run in without.plan.phases[0]}
    for key in teachers:
        assert "train_rows" not in with_map.store.predictions(key)


def test_unseen_votes_are_those_that_no_target_is_made_of(mapped, tmp_path):
    study = open_study(mapped, "tiny.toml", tmp_path)
    soft = next(run for run in study.plan.runs if run.arm.label() == "human_soft")
    ready, people = prepare(soft, study.store, "cpu"), people_of(soft)
    rows, votes = ready.task.train.rows, ready.dataset.votes
    assert people.unseen
    np.testing.assert_array_equal(people.rows, rows)
    usual = ready.task.train.owner != 2
    bought = np.rint(ready.targets[usual] * 8)  # what the targets of clients without slips are made of
    left = (votes[rows][usual] - bought) / 10
    assert left.min() >= 0
    expected = stats.entropy(left, axis=1)
    np.testing.assert_allclose(people.uncertainty[usual], expected, atol=1e-9)
    theirs = stats.entropy(bought, axis=1)
    assert stats.spearmanr(expected.round(9), theirs.round(9)).statistic == pytest.approx(
        people.reliability, abs=0.1
    )  # the slipping client's examples apart


def test_without_unseen_votes_people_are_those_trained_on(mapped, tmp_path, run):
    mapped |= {"sources": ["hard"], "scenario": {"clients": 4}}
    study = run(open_study(mapped, "tiny.toml", tmp_path))
    people = people_of(study.plan.runs[0])
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    votes = ready.dataset.votes[people.rows]
    assert not people.unseen
    np.testing.assert_allclose(people.uncertainty, stats.entropy(votes, axis=1), atol=1e-9)
    assert 0.1 < people.reliability < 1
    assert make_atlas(study.plan.cells[0], study.store).votes == "trained on"


def test_correlations_are_spearmans_over_seeds(mapped, tmp_path, run):
    study = run(open_study(mapped, "tiny.toml", tmp_path))
    atlas = digest(study).cells[0].atlas
    found = {(row.source, row.quantity): row for row in atlas.correlations}
    each = []
    for one in (r for r in study.plan.runs if r.arm.label() == "human_soft"):
        made, people = study.store.predictions(one.key), people_of(one)
        np.testing.assert_array_equal(made["train_rows"], people.rows)
        each.append(stats.spearmanr(made["cartography_confidence"], people.uncertainty).statistic)
    row = found["human_soft", "confidence"]
    assert row.correlation == pytest.approx(np.mean(each))
    interval = stats.t.interval(0.95, 1, np.mean(each), stats.sem(each))
    assert (row.low, row.high) == pytest.approx(interval)
    assert row.correlation < 0  # of images that people find hard, the model is less sure
    assert found["people", "reliability"].correlation > 0
    with (tmp_path / "cartography.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["votes", "source", "strategy", "quantity", "correlation", "low", "high"]
    assert {row["votes"] for row in rows} == {"unseen"}
    assert len(rows) == 3 * 3 + 1


def test_one_seed_has_no_interval():
    assert over_seeds([0.5])[0] == 0.5
    assert np.isnan(over_seeds([0.5])[1:]).all()


def test_without_maps_there_is_no_atlas(finished):
    assert make_atlas(finished.plan.cells[0], finished.store) is None
    digest(finished)
    assert not (finished.store.root / "cartography.csv").exists()
