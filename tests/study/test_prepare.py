import numpy as np
import pytest
import torch

from fedsoft.analysis.scores import test_fold as score_fold
from fedsoft.errors import StudyFileError
from fedsoft.execution.processes import InProcess
from fedsoft.execution.run import Hooks
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


def test_clients_hold_what_the_scenario_says(tiny, tmp_path):
    tiny["sources"] = ["human_soft"]
    tiny["scenario"] = tiny["scenario"] | {
        "parties": [{"clients": [1], "votes": 5}, {"clients": [2], "source": "hard"}]
    }
    study = open_study(tiny, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    owner, votes = ready.task.train.owner, ready.dataset.votes[ready.task.train.rows]
    np.testing.assert_allclose(ready.targets[owner == 0], (votes / votes.sum(1, keepdims=True))[owner == 0])
    np.testing.assert_allclose(ready.targets[owner == 1] * 5 % 1, 0, atol=1e-9)  # fifths of five votes
    assert set(np.unique(ready.targets[owner == 2])) == {0, 1}
    sizes = ready.task.train.sizes
    assert ready.votes_bought == 18 * (sizes[0] + sizes[3]) + 5 * sizes[1]


@pytest.mark.parametrize(
    ("source", "price"),
    [
        ("smoothing", 0),
        ({"name": "smoothing", "match": "top_mass"}, 0),
        ("human_class_mean", 18),
        ("mass_only", 18),
    ],
)
def test_a_rate_borrowed_from_people_costs_no_votes(source, price, tiny, tmp_path):
    tiny["sources"] = [source]
    tiny["scenario"] = tiny["scenario"] | {"parties": [{"clients": [1], "source": "human_soft", "votes": 5}]}
    study = open_study(tiny, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    sizes = ready.task.train.sizes
    assert ready.votes_bought == 5 * sizes[1] + price * (sizes.sum() - sizes[1])


def test_a_matched_teacher_costs_no_votes(tiny, tmp_path, run):
    tiny |= {"sources": ["teacher", "human_soft"], "seeds": [0], "strategies": ["fedavg"]}
    study = open_study(tiny, "tiny.toml", tmp_path)
    run(study)
    bought = {r.source.label(): study.store.record(r.key)["votes_bought"] for r in study.plan.runs}
    assert bought["teacher"] == 0 < bought["human_soft"]


def test_the_best_round_needs_validation_examples(tiny, tmp_path):
    tiny |= {"sources": ["hard"], "scenario": {"clients": 300}, "training": {"stop": "best_validation"}}
    with pytest.raises(StudyFileError, match=r"training.stop.* needs validation examples"):
        open_study(tiny, "tiny.toml", tmp_path)


def test_only_training_examples_have_targets(tiny, tmp_path):
    study = open_study(tiny, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    known = ~torch.isnan(ready.task.targets).any(dim=1).numpy()
    np.testing.assert_array_equal(np.flatnonzero(known), np.sort(ready.task.train.rows))


def test_a_teacher_never_sees_what_it_labels(tiny, tmp_path):
    study = open_study(tiny, "tiny.toml", tmp_path)
    student = next(run for run in study.plan.runs if run.source.label() == "teacher")
    halves = [prepare(teacher, study.store, "cpu") for teacher in student.teachers()]
    assert len(halves) == 2
    for half, other in zip(halves, halves[::-1], strict=True):
        assert not set(half.held_out) & set(half.task.train.rows)
        np.testing.assert_array_equal(np.sort(half.held_out), np.sort(other.task.train.rows))
    sizes = halves[0].task.train.sizes - halves[1].task.train.sizes
    assert np.abs(sizes).max() <= 1  # two halves within each client


def test_one_teacher_serves_all_strategies(tiny, tmp_path):
    study = open_study(tiny, "tiny.toml", tmp_path)
    assert [len(phase) for phase in study.plan.phases] == [4, 16]


def test_an_ensemble_labels_with_the_mean_of_its_teachers(tiny, tmp_path):
    """Its first teacher is the one that `teacher` has; strategies share all of them."""
    tiny |= {"sources": [{"name": "teacher", "match": None}], "seeds": [0]}
    tiny["sources"] = [*tiny["sources"], {"name": "ensemble", "match": None, "members": 3}]
    study = open_study(tiny, "tiny.toml", tmp_path)
    assert [len(phase) for phase in study.plan.phases] == [2 * 3, 4]
    teachers = study.plan.phases[0]
    assert [teacher.redraw.training for teacher in teachers] == [0, 0, 1, 1, 2, 2]
    InProcess(study.store, "cpu").run([teachers], Hooks())
    ready = {run.source.label(): prepare(run, study.store, "cpu") for run in study.plan.runs}
    rows = ready["teacher(match=none)"].task.train.rows
    predicted = np.full((3, 1797, 10), np.nan)
    for teacher in teachers:
        made = study.store.predictions(teacher.key)
        predicted[teacher.redraw.training, made["held_out_rows"]] = made["held_out"]
    assert np.abs(predicted[0] - predicted[1])[rows].max() > 1e-3
    np.testing.assert_array_equal(ready["teacher(match=none)"].targets, predicted[0, rows])
    np.testing.assert_allclose(
        ready["ensemble(match=none, members=3)"].targets, predicted[:, rows].sum(axis=0) / 3, atol=1e-12
    )


def test_a_pooled_teacher_is_one_client(tiny, tmp_path):
    tiny["sources"] = [{"name": "teacher", "pooled": True}]
    study = open_study(tiny, "tiny.toml", tmp_path)
    pooled = prepare(study.plan.phases[0][0], study.store, "cpu")
    assert len(pooled.task.train) == 1
    assert not set(pooled.task.train.rows) & set(pooled.deal.validation.rows)


def test_sources_and_strategies_of_a_seed_share_everything_else(tiny, tmp_path):
    study = open_study(tiny, "tiny.toml", tmp_path)
    by_seed = {}
    for run in study.plan.runs:
        if not run.teachers():
            task = prepare(run, study.store, "cpu").task
            same = (task.train.rows.tobytes(), task.initial()["layer0.weight"].tobytes(), str(task.cohort(2)))
            by_seed.setdefault(run.seed, set()).add(same)
    assert [len(kinds) for kinds in by_seed.values()] == [1, 1]
    assert by_seed[0] != by_seed[6]


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_privacy_spent_is_recorded(tiny, tmp_path, unit):
    tiny["sources"], tiny["privacy"] = (
        [{"name": "votes_k", "k": 2}],
        {"labels": {"name": "randomized_response", "epsilon": 1.0, "unit": unit}},
    )
    tiny["scenario"] = {"clients": 4}
    study = open_study(tiny, "tiny.toml", tmp_path)
    spent = prepare(study.plan.runs[0], study.store, "cpu").privacy_spent
    expected = {"vote": (1.0, 2.0), "image": (0.5, 1.0)}[unit]
    assert (spent["epsilon_per_vote_max"], spent["epsilon_per_image_max"]) == pytest.approx(expected)


def test_held_out_images_are_all_tested_and_never_trained_on(tmp_path):
    labels = np.arange(90) % 3
    votes = np.eye(3, dtype=int)[labels] * 2
    votes[60:, 0] += 1  # only test images differ in how far people disagree
    held_out = np.arange(90) >= 60
    np.savez(tmp_path / "d.npz", features=np.eye(3)[labels], labels=labels, votes=votes, held_out=held_out)
    table = {
        "name": "split",
        "dataset": {"name": "npz", "path": str(tmp_path / "d.npz")},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0, 1],
        "scenario": {"clients": 3},
    }
    study = open_study(table, "split.toml", tmp_path / "out")
    for one in study.plan.runs:
        dealt = prepare(one, study.store, "cpu").deal
        assert np.sort(dealt.test.rows).tolist() == list(range(60, 90))
        assert max(dealt.train.rows.max(), dealt.validation.rows.max()) < 60
    fold = score_fold(one, np.arange(60, 90), np.zeros(30), "cpu")
    assert {name: int(mask.sum()) for name, mask in fold.strata.items()} == {
        "unanimous": 10,  # of the 30 tested; the 60 others do not count
        "middle": 14,
        "hardest_fifth": 6,
    }


def test_single_annotations_are_there_whatever_is_bought_of_them(tiny, tmp_path):
    tiny["sources"], tiny["scenario"] = ["wawa"], {"clients": 4}
    study = open_study(tiny, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    rows, votes = ready.task.train.rows, ready.dataset.votes
    agrees = (ready.targets.argmax(axis=1) == votes[rows].argmax(axis=1)).mean()
    assert agrees > 0.97  # the targets are of these images, in this order
    assert ready.votes_bought == votes[rows].sum()
    tiny["scenario"] = {"clients": 4, "votes": 5, "noise": {"name": "slips", "rate": 0.1}}
    study = open_study(tiny, "tiny.toml", tmp_path / "five")
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    assert ready.votes_bought == 5 * len(rows)
    few = (ready.targets.argmax(axis=1) == votes[rows].argmax(axis=1)).mean()
    assert 0.85 < few < agrees


def test_a_study_without_an_anchor_is_told_before_it_runs(tiny, tmp_path):
    tiny["sources"], tiny["scenario"] = ["human_soft_denoised"], {"clients": 4}
    with pytest.raises(StudyFileError, match=r"not identified: .* state an anchor"):
        open_study(tiny, "tiny.toml", tmp_path)
    assert not any(tmp_path.iterdir())


def test_training_may_differ_by_strategy_but_not_that_of_teachers(tiny, tmp_path):
    tiny |= {
        "sources": ["hard", "teacher"],
        "rivals": [{"source": "hard", "training": {"lr": 0.7}}],
        "strategies": ["fedavg", {"name": "fedadam", "training": {"lr": 0.3, "epochs": 2}}],
        "training": {"lr": 0.2, "batch_size": 7},
    }
    study = open_study(tiny, "tiny.toml", tmp_path)
    rates = {(r.arm.label(), r.strategy.label()): r.training.lr for r in study.plan.runs}
    assert rates == {
        ("hard", "fedavg"): 0.2, ("teacher", "fedavg"): 0.2, ("hard + lr=0.7", "fedavg"): 0.7,
        ("hard", "fedadam"): 0.3, ("teacher", "fedadam"): 0.3, ("hard + lr=0.7", "fedadam"): 0.7,
    }  # fmt: skip
    adam = next(r for r in study.plan.runs if r.strategy.label() == "fedadam")
    task = prepare(adam, study.store, "cpu").task
    assert (task.training.epochs, task.training.batch_size) == (2, 7)
    teachers = [run for run in study.plan.phases[0] if run.kind == "teacher"]
    assert len(teachers) == 2 * 2  # halves and seeds: both strategies learn from the same
    assert {run.training.lr for run in teachers} == {0.2}
    study.store.save_settings(adam)
    assert study.store.settings(adam.key).key == adam.key
