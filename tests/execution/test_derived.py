"""Ensembles and calibrated runs: computed from other runs, which they share with whoever has them too."""

import shutil

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss

from fedsoft.analysis.digest import digest
from fedsoft.analysis.effects import effects_of
from fedsoft.analysis.values import gather
from fedsoft.config import Arm, validate
from fedsoft.errors import StudyFileError
from fedsoft.evaluation import apply_temperature, fit_temperature, onehot
from fedsoft.evaluation.calibrators import Temperature
from fedsoft.execution.derive import calibrate, calibrate_clients, drawn_votes
from fedsoft.execution.processes import InProcess
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.files import read_json
from fedsoft.report.live import Live
from fedsoft.report.page import page
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.opened import open_study

RIVALS = {
    "hard + ensemble of 3": {"source": "hard", "members": 3},
    "hard + temperature": {"source": "hard", "calibration": "temperature"},
    "hard + temperature(on=vote)": {"source": "hard", "calibration": {"name": "temperature", "on": "vote"}},
    "hard + ensemble of 3 + isotonic": {"source": "hard", "members": 3, "calibration": "isotonic"},
    "hard + lr=0.5 + vector_scaling": {
        "source": "hard",
        "training": {"lr": 0.5},
        "calibration": "vector_scaling",
    },
    "hard + temperature(scope=client)": {
        "source": "hard",
        "calibration": {"name": "temperature", "scope": "client"},
    },
    "teacher + ensemble of 2": {"source": "teacher", "members": 2},
    "votes_k(k=2) + histogram_binning(on=vote)": {
        "source": {"name": "votes_k", "k": 2},
        "calibration": {"name": "histogram_binning", "on": "vote"},
    },
}
TABLE = {
    "name": "derived",
    "dataset": "digits",
    "sources": ["hard"],
    "rivals": list(RIVALS.values()),
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [8]},
    "rounds": 3,
    "seeds": [0, 1],
    "scenario": {"clients": 3},
    "training": {"lr": 0.2},
    "endpoint": {"source": "hard + temperature", "baseline": "hard", "view": "own_temperature_vote"},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run):
    return run(open_study(dict(TABLE), "derived.toml", tmp_path_factory.mktemp("derived")))


def found(study, label, seed=0):
    return next(run for run in study.plan.runs if (run.arm.label(), run.seed) == (label, seed))


def test_rivals_are_called_by_what_is_done_to_them():
    assert [Arm.model_validate(rival).label() for rival in RIVALS.values()] == list(RIVALS)


def test_each_phase_needs_only_those_before_it(ran):
    """A seed trains two halves of a teacher; `hard` 3 times, at another rate, `teacher` twice, `votes_k`."""
    assert [len(phase) for phase in ran.plan.phases] == [2 * 2, 2 * 7, 2 * 2, 2 * 6]
    known = set()
    for phase in ran.plan.phases:
        assert {need.key for run in phase for need in run.needs()} <= known
        known |= {run.key for run in phase}
    assert len(known) == 34
    assert "18 runs of 3 rounds, 12 more that ensembles and calibrated runs are made of, and 4 teachers" in (
        ran.summary()
    )


def test_parts_are_shared(ran):
    hard, ensemble = found(ran, "hard"), found(ran, "hard + ensemble of 3")
    assert ensemble.parts()[0].key == hard.key
    assert found(ran, "hard + temperature").parts()[0].key == hard.key
    assert found(ran, "hard + ensemble of 3 + isotonic").parts()[0].key == ensemble.key
    students = found(ran, "teacher + ensemble of 2").parts()
    teachers = [[teacher.key for teacher in student.teachers()] for student in students]
    assert teachers[0] == teachers[1]


def test_members_differ_in_training_alone(ran):
    members = found(ran, "hard + ensemble of 3").parts()
    assert [member.redraw.training for member in members] == [0, 1, 2]
    made = [ran.store.predictions(member.key) for member in members]
    for name in ("test_rows", "test_client", "validation_rows"):
        assert all((m[name] == made[0][name]).all() for m in made)
    assert np.abs(made[0]["test"] - made[1]["test"]).max() > 1e-3
    assert np.abs(made[1]["test"] - made[2]["test"]).max() > 1e-3


def test_redrawn_ensembles_share_no_member(ran):
    keys = []
    for number in range(3):
        redraw = ran.plan.runs[0].redraw.model_copy(update={"training": number})
        ensemble = found(ran, "hard + ensemble of 3").model_copy(update={"redraw": redraw})
        keys += [member.key for member in ensemble.parts()]
    assert len(set(keys)) == 9


@pytest.mark.parametrize("part", ["test", "validation"])
def test_an_ensemble_predicts_its_members_mean(ran, part):
    ensemble = found(ran, "hard + ensemble of 3", seed=1)
    made = [ran.store.predictions(member.key)[part].astype(float) for member in ensemble.parts()]
    mean = ((made[0] + made[1] + made[2]) / 3).astype(np.float32)
    np.testing.assert_array_equal(ran.store.predictions(ensemble.key)[part], mean)


@pytest.mark.parametrize(
    ("label", "view"),
    [("hard + temperature", "own_temperature"), ("hard + temperature(on=vote)", "own_temperature_vote")],
)
def test_temperature_is_the_view_after_own_temperature(ran, label, view):
    values = gather(ran.plan.cells[0], "fedavg", ran.store, "cpu")
    rival, hard = values.sources.index(label), values.sources.index("hard")
    for metric in ("brier", "nll", "signed_gap"):
        calibrated, viewed = (values.values[v, "label", metric] for v in ("raw", view))
        np.testing.assert_allclose(calibrated[rival], viewed[hard], atol=1e-5)
        assert np.abs(calibrated[rival] - calibrated[hard]).max() > 1e-3


def test_a_calibrator_is_fitted_to_validation_examples_alone(ran):
    run = found(ran, "hard + temperature")
    before, after = (ran.store.predictions(key) for key in (run.parts()[0].key, run.key))
    labels = torch.from_numpy(load_dataset(run.dataset).labels[before["validation_rows"]])
    validation = torch.from_numpy(before["validation"]).double()
    temperature = fit_temperature(validation, onehot(labels, 10))
    wanted = apply_temperature(torch.from_numpy(before["test"]).double(), temperature)
    np.testing.assert_allclose(after["test"], wanted, atol=1e-6)
    losses = [log_loss(labels, made["validation"].astype(float)) for made in (before, after)]
    assert losses[1] < losses[0]
    (figures,) = ran.store.rounds(run.key)
    assert figures["round"] == run.rounds
    assert figures["nll"] == pytest.approx(losses[1], abs=1e-5)


def test_one_vote_an_example_is_drawn_and_paid_for(ran):
    run = found(ran, "votes_k(k=2) + histogram_binning(on=vote)")
    record, before = (ran.store.record(key) for key in (run.key, run.parts()[0].key))
    rows = ran.store.predictions(run.key)["validation_rows"]
    assert record["votes_bought"] == before["votes_bought"] + len(rows)
    assert ran.store.record(found(ran, "hard + temperature").key)["votes_bought"] == 0
    votes, drawn = load_dataset(run.dataset).votes[rows], drawn_votes(run, rows)
    assert (votes[np.arange(len(rows)), drawn] > 0).all()
    assert (drawn == drawn_votes(found(ran, "hard"), rows)).all()
    assert (drawn != votes.argmax(axis=1)).any()  # a vote, not the mode
    redrawn = run.model_copy(update={"redraw": run.redraw.model_copy(update={"votes": 1})})
    assert (drawn != drawn_votes(redrawn, rows)).any()


def test_drawn_votes_are_as_frequent_as_votes(ran):
    run, rows = ran.plan.runs[0], np.arange(1797)
    votes = load_dataset(run.dataset).votes
    share = (votes / votes.sum(axis=1, keepdims=True)).max(axis=1).mean()
    hits = [
        (drawn_votes(run.model_copy(update={"seed": seed}), rows) == votes.argmax(axis=1)).mean()
        for seed in range(20)
    ]
    assert np.mean(hits) == pytest.approx(share, abs=0.005)


def test_an_ensemble_costs_what_its_members_cost(ran):
    ensemble = found(ran, "hard + ensemble of 3")
    record, parts = ran.store.record(ensemble.key), [ran.store.record(p.key) for p in ensemble.parts()]
    for name in ("seconds", "bytes_sent"):
        assert record[name] == pytest.approx(sum(part[name] for part in parts))
    assert record["targets"] == parts[0]["targets"]
    calibrated = ran.store.record(found(ran, "hard + ensemble of 3 + isotonic").key)
    assert calibrated["bytes_sent"] == record["bytes_sent"]


def test_derived_runs_stand_in_results_but_have_no_curve(ran):
    result = digest(ran)
    cell = result.cells[0]
    assert {source for _, source in cell.curves} == {"hard"}
    assert {*RIVALS} <= {row.name for row in cell.estimates}
    assert cell.bytes_sent["fedavg"] == ran.store.record(found(ran, "hard").key)["bytes_sent"]
    trained = [run for phase in ran.plan.phases[:2] for run in phase if run.kind == "trained"]
    assert result.seconds == pytest.approx(sum(ran.store.record(run.key)["seconds"] for run in trained))
    np.testing.assert_allclose(cell.doses["all"][:5, :5], 0, atol=1e-12)
    assert result.conclusions
    html = page(result)
    assert "Convergence" in html
    assert "hard + ensemble of 3 + isotonic" in html


def test_a_deleted_one_is_computed_again_without_training(ran, tmp_path, run):
    shutil.copytree(ran.store.root, tmp_path / "copy")
    study = open_study(dict(TABLE), "derived.toml", tmp_path / "copy")
    lost = [found(study, label) for label in ("hard + ensemble of 3", "hard + ensemble of 3 + isotonic")]
    for one in lost:
        shutil.rmtree(study.store.run_folder(one.key))
    assert {one.key for one in study.open_runs} == {one.key for one in lost}
    seen = []
    run(study, hooks=Hooks(lambda settings, figures: seen.append(settings.kind)))
    assert seen == ["ensemble", "calibrated"]
    for one in lost:
        path = ("runs", one.key, "predictions.npz")
        again, before = (folder.joinpath(*path).read_bytes() for folder in (study.store.root, ran.store.root))
        assert again == before


def test_a_part_that_is_gone_is_told(ran, tmp_path, run):
    shutil.copytree(ran.store.root, tmp_path / "copy")
    study = open_study(dict(TABLE), "derived.toml", tmp_path / "copy")
    ensemble = found(study, "hard + ensemble of 3")
    for one in (ensemble, ensemble.parts()[2]):
        shutil.rmtree(study.store.run_folder(one.key))
    opened = study.plan.open(study.store)
    assert [[one.kind for one in phase] for phase in opened] == [["trained"], ["ensemble"]]
    InProcess(study.store, "cpu").run(opened[1:], Hooks())
    failure = study.store.failure(ensemble.key)
    assert failure["message"] == "it needs a run that failed: hard, fedavg, seed 0, training 2."
    assert failure["label"] == "hard + ensemble of 3, fedavg, seed 0"


@pytest.mark.slow
def test_two_processes_compute_the_same_and_tell_every_round(ran, tmp_path, run):
    rivals = [RIVALS["hard + ensemble of 3"], RIVALS["hard + ensemble of 3 + isotonic"]]
    study = open_study(TABLE | {"rivals": rivals, "endpoint": None}, "derived.toml", tmp_path)
    with Live(study.open_runs) as live:
        run(study, workers=2, hooks=Hooks(live.after_round))
    assert (live.done, live.rounds_seen) == (10, live.rounds) == (10, 6 * 3)
    for one in study.plan.runs:
        a, b = (store.predictions(one.key)["test"] for store in (study.store, ran.store))
        np.testing.assert_array_equal(a, b)


def test_stopped_before_it_begins(ran, tmp_path, run):
    shutil.copytree(ran.store.root, tmp_path / "copy")
    study = open_study(dict(TABLE), "derived.toml", tmp_path / "copy")
    shutil.rmtree(study.store.run_folder(found(study, "hard + temperature").key))
    with pytest.raises(Interrupted):
        run(study, hooks=Hooks(stop=lambda: True))
    assert len(study.open_runs) == 1


def test_settings_survive_their_file(ran):
    for run in ran.plan.runs:
        again = ran.store.settings(run.key)
        assert (again.key, again.arm.label()) == (run.key, run.arm.label())
    saved = read_json(ran.store.run_folder(found(ran, "hard").key) / "settings.json")
    assert (saved["members"], saved["calibration"]) == (1, None)


def test_a_rival_never_stands_in_for_a_source():
    sources = ["hard", "human_soft", "human_soft_shrunk + ensemble of 5", "human_soft_shrunk(x=1) + isotonic"]
    assert "sampling" not in {effect.name for effect in effects_of(sources, ["hard"])}
    both = effects_of([*sources, "human_soft_shrunk(x=2)"], ["hard"])
    sampling = next(effect for effect in both if effect.name == "sampling")
    np.testing.assert_array_equal(sampling.coefficients, [0, 1, 0, 0, -1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rivals": [{"source": "hard", "members": 0}]}, "rivals.0.members: .*greater than or equal to 1"),
        ({"rivals": [{"source": "hard", "calibration": "isotnic"}]}, "calibrator 'isotnic' .*did you mean"),
        (
            {"rivals": [{"source": "hard", "calibration": {"name": "isotonic", "on": "mode"}}]},
            "isotonic: on: .*'label' or 'vote'",
        ),
        (
            {
                "sources": ["human_soft"],
                "rivals": [{"source": "human_soft", "calibration": "isotonic"}],
                "privacy": {"labels": {"name": "randomized_response", "epsilon": 1.0}},
                "endpoint": None,
            },
            r"'human_soft \+ isotonic' is calibrated on labels or votes in the clear",
        ),
    ],
)
def test_a_broken_rival_is_told(change, words):
    with pytest.raises(StudyFileError, match=words):
        validate(TABLE | change, "derived.toml")


def test_calibration_needs_validation_examples(tmp_path):
    table = TABLE | {"scenario": {"clients": 300}, "rivals": [RIVALS["hard + temperature"]], "endpoint": None}
    with pytest.raises(StudyFileError, match=r"calibration needs validation examples.*use fewer clients"):
        open_study(table, "derived.toml", tmp_path)


def test_calibration_on_votes_needs_votes(tmp_path):
    labels = np.arange(60) % 3
    np.savez(tmp_path / "d.npz", features=np.eye(3)[labels], labels=labels)
    table = TABLE | {"dataset": {"name": "npz", "path": str(tmp_path / "d.npz")}, "endpoint": None}
    table["rivals"] = [RIVALS["hard + temperature(on=vote)"]]
    with pytest.raises(StudyFileError, match=r"'hard \+ temperature\(on=vote\)' needs human votes"):
        open_study(table, "derived.toml", tmp_path / "out")
    table |= {
        "rivals": [],
        "sources": ["hard", {"name": "smoothing", "rate": 0.1}],
        "endpoint": {"source": "smoothing(rate=0.1)", "baseline": "hard", "view": "own_temperature_vote"},
    }
    with pytest.raises(StudyFileError, match=r"endpoint.view: 'own_temperature_vote' needs human votes"):
        open_study(table, "derived.toml", tmp_path / "out")


def test_each_client_has_its_own_temperature(ran):
    plain, own = (ran.store.predictions(found(ran, f"hard{end}").key)
                  for end in ("", " + temperature(scope=client)"))  # fmt: skip
    settings = found(ran, "hard")
    data = load_dataset(settings.dataset)
    held = deal_data(settings, data).validation
    record = ran.store.record(found(ran, "hard + temperature(scope=client)").key)
    assert record["own_maps"] == {"clients": 3, "own": 3}
    for client in range(3):
        rows = held.of(client)
        mine = np.isin(plain["validation_rows"], rows)
        assert mine.sum() == len(rows) >= 10
        reference = onehot(torch.from_numpy(data.labels[plain["validation_rows"][mine]]), 10)
        temperature = fit_temperature(torch.from_numpy(plain["validation"][mine]).double(), reference)
        tested = plain["test_client"] == client
        wanted = apply_temperature(torch.from_numpy(plain["test"][tested]).double(), temperature)
        np.testing.assert_allclose(own["test"][tested], wanted, atol=1e-6)


def test_a_client_with_few_validation_examples_takes_the_map_of_all():
    probs = stream("predictions").dirichlet(np.ones(3), size=60).astype(np.float32)
    made = {"validation": probs[:40], "test": probs[40:], "test_client": np.repeat([0, 1], 10)}
    classes, owner = np.arange(40) % 3, np.repeat([0, 1], [31, 9])
    pooled = calibrate(Temperature().fit, made, classes, "cpu")
    result = calibrate_clients(Temperature(), made, classes, owner, "cpu")
    np.testing.assert_array_equal(result["test"][10:], pooled["test"][10:])
    assert np.abs(result["test"][:10] - pooled["test"][:10]).max() > 1e-4
