"""Scenarios whose clients share images: each has labels of its own, and nothing held out is trained on."""

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.errors import StudyFileError
from fedsoft.report.page import page
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


@pytest.fixture
def shared(tiny):
    """30 clients of 20 digits each, five of whom buy five votes from careless annotators."""
    partition = {"name": "overlapping", "examples": 20}
    return tiny | {"scenario": tiny["scenario"] | {"clients": 30, "partition": partition}, "seeds": [0]}


def prepared(table, folder, **options):
    study = open_study(table | options, "shared.toml", folder)
    return prepare(study.plan.runs[0], study.store, "cpu")


def test_each_client_buys_its_own_votes(shared, tmp_path):
    scenario = shared["scenario"] | {"clients": 200, "votes": 3, "parties": []}
    ready = prepared(shared, tmp_path, sources=["human_soft"], scenario=scenario)
    rows = ready.task.train.rows
    assert ready.votes_bought == 3 * 200 * 20
    assert ready.targets.shape == (4_000, 10)
    np.testing.assert_allclose(ready.targets * 3 % 1, 0, atol=1e-6)
    votes = ready.dataset.votes[rows]
    assert (ready.targets[votes == 0] == 0).all()  # of that image
    disputed = np.flatnonzero(votes.max(axis=1) < 12)
    unlike = [len(np.unique(ready.targets[rows == row], axis=0)) > 1 for row in np.unique(rows[disputed])]
    assert np.mean(unlike) > 0.5


def test_clients_train_on_their_own_targets(shared, tmp_path):
    scenario = shared["scenario"] | {"votes": 3}
    task = prepared(shared, tmp_path, sources=["human_soft"], scenario=scenario).task
    for client in (0, 17, 29):
        places = task.delivered(client, 1)[0]
        np.testing.assert_array_equal(task.train.rows[places], task.train.of(client))
        assert places.tolist() == list(range(20 * client, 20 * client + 20))


@pytest.mark.parametrize("source", ["stochastic", "multipass"])
def test_hard_labels_are_drawn_from_a_clients_own_votes(source, shared, tmp_path):
    scenario = shared["scenario"] | {"votes": 3, "parties": []}
    task = prepared(shared, tmp_path, sources=[source], scenario=scenario).task
    for client in (0, 29):
        classes = np.concatenate([task.delivered(client, r) for r in range(1, 31)]) - len(task.targets)
        shares = np.eye(10)[classes].mean(axis=0)
        own = task.targets[task.train.span(client)].numpy()
        assert (shares[own == 0] == 0).all()
        np.testing.assert_allclose(shares, own, atol=0.45 if source == "stochastic" else 1e-6)


def test_a_teacher_never_sees_what_it_labels(shared, tmp_path):
    study = open_study(shared, "shared.toml", tmp_path)
    student = next(run for run in study.plan.runs if run.source.label() == "teacher")
    halves = [prepare(teacher, study.store, "cpu") for teacher in student.teachers()]
    everything = np.unique(halves[0].deal.train.rows)
    for half in halves:
        trained = np.unique(half.task.train.rows)
        assert not set(half.held_out) & set(trained)
        np.testing.assert_array_equal(np.sort([*half.held_out, *trained]), everything)


def test_a_study_runs_to_its_report_alike_in_any_stack(shared, tmp_path, run):
    shared["scenario"] |= {"clients": 60}
    stacked = run(open_study(shared, "shared.toml", tmp_path / "stacked"))
    single = run(open_study(shared, "shared.toml", tmp_path / "single"), stack=1)
    for one in stacked.plan.runs:
        a, b = (study.store.predictions(one.key) for study in (stacked, single))
        np.testing.assert_array_equal(a["validation_rows"], b["validation_rows"])
        np.testing.assert_allclose(a["test"], b["test"], atol=1e-4)
    assert "No client has ten test examples" in page(digest(stacked))


def test_what_takes_one_owner_an_image_is_refused(shared, tmp_path):
    with pytest.raises(
        StudyFileError, match=r"cartography .* 'overlapping' gives an image to several clients"
    ):
        open_study(shared | {"cartography": True}, "shared.toml", tmp_path)
    with pytest.raises(StudyFileError, match=r"\[privacy\] counts .* 'overlapping' lets several answer"):
        open_study(
            shared | {"privacy": {"labels": {"name": "randomized_response", "epsilon": 1.0}}},
            "shared.toml",
            tmp_path,
        )
    shared["scenario"] |= {"parties": []}
    with pytest.raises(StudyFileError, match=r"'dawid_skene' needs to know who gave each answer"):
        open_study(shared | {"sources": ["dawid_skene"]}, "shared.toml", tmp_path)
    shared["scenario"] |= {"partition": {"name": "overlapping", "examples": 1_500}}
    with pytest.raises(StudyFileError, match=r"each client 1500 examples, and there are 1294; lower"):
        open_study(shared, "shared.toml", tmp_path)
