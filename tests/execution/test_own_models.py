"""The user's own models: as teachers, and as rivals that answer without any training."""

import contextlib
import csv
import shutil
import sys

import numpy as np
import pytest
import torch

from fedsoft.analysis.digest import digest
from fedsoft.analysis.values import gather
from fedsoft.cli import main
from fedsoft.config import Arm, validate
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import apply_temperature, fit_temperature, onehot
from fedsoft.report.answer import answers
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study, reopen_study
from fedsoft.study.prepare import prepare

COUNT, CLASSES = 240, 3


def arrays():
    """Features that tell the classes apart a little, and votes."""
    rng = stream("own models")
    labels = np.arange(COUNT) % CLASSES
    shares = np.eye(CLASSES)[labels] * 0.6 + 0.4 / CLASSES
    features = np.eye(CLASSES)[labels] + rng.normal(0, 0.8, (COUNT, CLASSES))
    votes = rng.multinomial(6, shares)
    return {"features": features, "labels": labels, "votes": votes, "item_ids": np.arange(COUNT)}


def forecasts(sureness=3.0):
    """A model that is better than what training finds, and not calibrated."""
    rng = stream("own forecasts")
    logits = sureness * np.eye(CLASSES)[np.arange(COUNT) % CLASSES] + rng.normal(0, 1, (COUNT, CLASSES))
    p = np.exp(3 * logits)
    return p / p.sum(axis=1, keepdims=True)


TABLE = {
    "name": "own",
    "sources": [
        "hard",
        {"name": "teacher", "own": "clip", "match": "none"},
        {"name": "teacher", "own": "clip"},
    ],
    "rivals": [
        {"own": "clip"},
        {"own": "clip", "calibration": "temperature"},
        {"own": "clip", "calibration": {"name": "temperature", "on": "vote", "scope": "client"}},
        {"source": "hard", "calibration": "temperature"},
    ],
    "strategies": ["fedavg", "fedadam"],
    "model": "linear",
    "rounds": 3,
    "seeds": [0, 1, 2],
    "scenario": {"clients": 2},
    "training": {"lr": 0.3},
    "endpoint": {"source": "own model clip", "baseline": "hard"},
}  # fmt: skip


def written(folder, predictions=None, **changes):
    """The study's table, with its data in a folder."""
    folder.mkdir(exist_ok=True)
    np.savez(folder / "mine.npz", **arrays())
    np.save(folder / "clip.npy", forecasts() if predictions is None else predictions)
    data = {"name": "npz", "path": str(folder / "mine.npz"), "predictions": str(folder / "clip.npy")}
    return TABLE | {"dataset": data} | changes


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run):
    folder = tmp_path_factory.mktemp("own")
    study = open_study(written(folder), "own.toml", folder / "out")
    study.save()
    return run(study)


def found(study, label, seed=0, strategy="fedavg"):
    wanted = label, seed, strategy
    return next(r for r in study.plan.runs if (r.arm.label(), r.seed, r.strategy.label()) == wanted)


def test_rivals_are_called_by_the_model():
    assert [Arm.model_validate(rival).label() for rival in TABLE["rivals"][:2]] == [
        "own model clip",
        "own model clip + temperature",
    ]


def test_no_teacher_is_trained(ran):
    assert [{run.kind for run in phase} for phase in ran.plan.phases] == [
        {"trained"},
        {"given"},
        {"calibrated"},
    ]


def test_a_teachers_targets_are_the_predictions(ran):
    ready = prepare(found(ran, "teacher(match=none, own=clip)"), ran.store, "cpu")
    np.testing.assert_array_equal(ready.targets, forecasts()[ready.task.train.rows])


def test_a_rival_answers_with_the_predictions_and_costs_nothing(ran):
    for seed in (0, 1, 2):
        rival, hard = (found(ran, label, seed) for label in ("own model clip", "hard"))
        made, beside = ran.store.predictions(rival.key), ran.store.predictions(hard.key)
        for name in ("test_rows", "test_client", "validation_rows"):
            np.testing.assert_array_equal(made[name], beside[name])
        for part in ("test", "validation"):
            np.testing.assert_array_equal(made[part], forecasts()[made[f"{part}_rows"]].astype(np.float32))
        record = ran.store.record(rival.key)
        assert (record["votes_bought"], record["bytes_sent"], record["seconds"]) == (0, 0, 0)
        (figures,) = ran.store.rounds(rival.key)
        labels = arrays()["labels"][made["validation_rows"]]
        nll = -np.log(made["validation"][np.arange(len(labels)), labels]).mean()
        assert figures["nll"] == pytest.approx(nll, rel=1e-5)


def test_it_is_calibrated_as_others_are(ran):
    rival, plain = found(ran, "own model clip + temperature"), found(ran, "own model clip")
    assert [part.key for part in rival.parts()] == [plain.key]
    made, before = ran.store.predictions(rival.key), ran.store.predictions(plain.key)
    truth = onehot(torch.from_numpy(arrays()["labels"][before["validation_rows"]]), CLASSES)
    temperature = fit_temperature(torch.from_numpy(before["validation"]).double(), truth)
    wanted = apply_temperature(torch.from_numpy(before["test"]).double(), temperature)
    np.testing.assert_allclose(made["test"], wanted, atol=1e-6)
    paid = found(ran, "own model clip + temperature(on=vote, scope=client)")
    assert ran.store.record(paid.key)["votes_bought"] == len(before["validation_rows"])


def test_own_models_stand_in_every_table_but_of_what_they_lack(ran):
    result = digest(ran)
    (cell,) = result.cells
    own = "own model clip"
    assert {row.name for row in cell.estimates} >= {own, f"{own} + temperature", f"{own} − hard"}
    assert {source for _, source in cell.curves} == {"hard", *(s for s in cell.targets if "teacher(" in s)}
    doses, place = cell.doses["all"], [arm.label() for arm in cell.study.arms].index(own)
    assert np.isnan(doses[place]).all()
    assert np.isnan(doses[:, place]).all()
    rest = [j for j, arm in enumerate(cell.study.arms) if arm.source]
    assert np.isfinite(doses[np.ix_(rest, rest)]).all()
    assert doses[0, 0] == 0
    with (ran.store.root / "doses.csv").open() as file:
        assert not [row for row in csv.DictReader(file) if own in row["source"] + row["other"]]
    assert set(cell.rests) == {"hard"}
    assert cell.targets[own].votes_bought == 0
    assert cell.stability["fedavg", own].progress is None
    trained = [run for run in ran.plan.runs if run.kind == "trained"]
    assert result.seconds == pytest.approx(sum(ran.store.record(run.key)["seconds"] for run in trained))
    html = page(result)
    assert "your own model clip&#x27;s forecasts, as they are" in html
    assert "What your own model clip learned from is not known here" in html


def test_values_are_those_of_the_predictions(ran):
    values = gather(ran.plan.cells[0], "fedavg", ran.store, "cpu")
    place = values.sources.index("own model clip")
    p, labels = forecasts().astype(np.float32)[values.image].astype(float), arrays()["labels"][values.image]
    brier = ((p - np.eye(CLASSES)[labels]) ** 2).sum(axis=1)
    np.testing.assert_allclose(values.values["raw", "label", "brier"][place], brier, atol=1e-12)


def test_an_own_model_may_be_the_baseline(ran, tmp_path, run):
    shutil.copytree(ran.store.root, tmp_path / "out")
    table = ran.table | {"endpoint": {"source": "hard", "baseline": "own model clip"}}
    result = digest(run(open_study(table, "own.toml", tmp_path / "out")))
    first, second, *_ = answers(Shown(result, result.cells[0]))
    assert first.text.startswith(
        "own model clip (your own model clip's forecasts, as they are) names the label"
    )
    assert ", hard (each label taken as certain) instead of own model clip" in second.text


def keys(folder, **changes):
    plan = open_study(written(folder, **changes), "own.toml", folder / "out").plan
    return {run.label(): run.key for run in plan.runs}


def test_keys_follow_the_content_of_the_predictions_and_not_their_place(ran, tmp_path):
    before = {run.label(): run.key for run in ran.plan.runs}
    assert keys(tmp_path / "moved") == before
    after = keys(tmp_path / "other", predictions=forecasts(1.0))
    uses = {label for label, key in after.items() if before[label] != key}
    assert uses == {label for label in before if "clip" in label}  # `hard` need not be trained again
    without = written(tmp_path / "without", sources=["hard"], rivals=[], endpoint=None)
    del without["dataset"]["predictions"]
    plan = open_study(without, "own.toml", tmp_path / "without" / "out").plan
    assert {run.key for run in plan.runs} <= set(before.values())


def test_a_study_is_reported_where_neither_data_nor_predictions_are(ran, tmp_path):
    shutil.copytree(ran.store.root, tmp_path / "out")
    folder = ran.store.root.parent
    names = [folder / name for name in ("mine.npz", "clip.npy")]
    for file in names:
        file.rename(file.with_suffix(".gone"))
    try:
        again = reopen_study(tmp_path / "out")
        assert not again.open_runs
        kept = load_dataset(again.plan.study.dataset).predictions["clip"]
        np.testing.assert_array_equal(kept, forecasts())
        np.testing.assert_allclose(
            digest(again).cells[0].doses["all"], digest(ran).cells[0].doses["all"], atol=1e-12
        )
    finally:
        for file in names:
            file.with_suffix(".gone").rename(file)


def test_predictions_that_lack_tested_items_are_refused_for_a_rival_and_do_for_a_teacher(tmp_path, run):
    some = forecasts()
    some[::5] = np.nan
    with pytest.raises(StudyFileError) as caught:
        open_study(written(tmp_path, some), "own.toml", tmp_path / "out")
    words = str(caught.value)
    assert "seed 0: rival 'own model clip' lacks a prediction for" in words
    assert "of 48 test items and" in words
    assert "validation items (such as '" in words
    table = written(tmp_path, some, rivals=[], endpoint=None, sources=TABLE["sources"][:2])
    opened = open_study(table, "own.toml", tmp_path / "out")
    ready = prepare(found(opened, "teacher(match=none, own=clip)"), opened.store, "cpu")
    rows = ready.task.train.rows
    lacking = rows % 5 == 0
    np.testing.assert_array_equal(ready.targets[lacking], np.eye(CLASSES)[rows[lacking] % CLASSES])
    np.testing.assert_array_equal(ready.targets[~lacking], some[rows[~lacking]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rivals": [{"own": "clp"}], "endpoint": None}, r"own model clp' needs .*did you mean 'clip'"),
        ({"sources": [{"name": "teacher", "own": "old"}], "rivals": [], "endpoint": None},
         r"sources: 'teacher\(own=old\)' needs predictions 'old' of your own model"),
        ({"rivals": [{"own": "clip", "source": "hard"}]}, "leave source, training and members out"),
        ({"rivals": [{"own": "clip", "members": 3}]}, "leave source, training and members out"),
        ({"rivals": [{"own": "clip", "training": {"lr": 1}}]}, "leave source, training and members out"),
        ({"rivals": [{"calibration": "isotonic"}]}, "rivals.0: key 'source' is required, or 'own'"),
    ],
)  # fmt: skip
def test_a_broken_one_is_told(change, words, tmp_path):
    with pytest.raises(StudyFileError, match=words):
        open_study(written(tmp_path) | change, "own.toml", tmp_path / "out")


def test_private_answers_may_be_compared_with_an_own_model(tmp_path):
    table = written(tmp_path, sources=["human_soft"], rivals=[{"own": "clip"}], endpoint=None)
    table["privacy"] = {"labels": {"name": "randomized_response", "epsilon": 1.0}}
    open_study(table, "own.toml", tmp_path / "out")
    with pytest.raises(StudyFileError, match="saw labels in the clear, or may have"):
        validate(table | {"sources": [{"name": "teacher", "own": "clip"}]}, "own.toml")


def test_the_command_line_runs_resumes_and_reports(tmp_path, monkeypatch, capsys):
    written(tmp_path)
    (tmp_path / "own.toml").write_text("""
dataset = { name = "npz", path = "mine.npz", predictions = { clip = "clip.npy" } }
sources = ["hard", { name = "teacher", own = "clip" }]
rivals = [{ own = "clip" }, { own = "clip", calibration = { name = "temperature" } }]
strategies = ["fedavg"]
model = "linear"
rounds = 2
seeds = [0, 1]
scenario.clients = 2
training.lr = 0.3
""")

    monkeypatch.chdir(tmp_path)

    def fedsoft(*arguments):
        monkeypatch.setattr(sys, "argv", ["fedsoft", *arguments])
        with contextlib.suppress(SystemExit):
            main()
        return capsys.readouterr().out

    fedsoft("run", "own.toml", "--out", "out", "--workers", "1")
    runs = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "runs").glob("*/*")}
    assert "0 of 8 are still to run" in fedsoft("run", "own.toml", "--out", "out", "--dry-run")
    fedsoft("run", "own.toml", "--out", "out", "--workers", "1")
    assert {path: path.stat().st_mtime_ns for path in runs} == runs
    assert "own model clip + temperature" in fedsoft("report", "out")
