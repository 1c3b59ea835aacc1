"""What a study with label privacy has beside what it lists, and what it refuses."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.analysis.effects import effects_of
from fedsoft.config import validate
from fedsoft.errors import StudyFileError
from fedsoft.report.level_tables import privacy_of
from fedsoft.report.shown import Shown
from fedsoft.report.softness_table import softness_sentence, softness_table
from fedsoft.study.opened import open_study
from fedsoft.study.plan import labels, make_plan
from fedsoft.study.prepare import prepare
from fedsoft.study.trials import open_trials
from fedsoft.supervision import describe_targets

PRIVATE = {"labels": {"name": "randomized_response", "epsilon": 1.0}}
NOISY = {"name": "temperature", "epsilon": 3.0}
TABLE = {
    "name": "private",
    "dataset": "digits",
    "sources": ["hard", "human_soft"],
    "rivals": [
        {"source": "human_soft", "calibration": NOISY},
        {"source": "hard", "members": 2},
    ],
    "strategies": ["fedavg"],
    "model": "linear",
    "rounds": 3,
    "seeds": [0, 1],
    "scenario": {"clients": 3, "parties": [{"share": 0.4, "source": "human_hard", "votes": 4}]},
    "training": {"lr": 0.1},
    "privacy": PRIVATE,
    "endpoint": {"source": "human_soft", "baseline": "smoothing as private human_soft", "view": "raw"},
    "grid": {"privacy.labels.epsilon": [1.0, math.inf]},
}
CONTROLS = ["smoothing as private hard", "smoothing as private human_soft"]
ARMS = ["hard", "human_soft", *CONTROLS, "human_soft + temperature(epsilon=3.0)", "hard + ensemble of 2"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run):
    return run(open_study(dict(TABLE), "private.toml", tmp_path_factory.mktemp("private")))


@pytest.fixture(scope="module")
def result(ran):
    return digest(ran)


def found(study, label, cell=0, seed=0):
    runs = study.plan.cells[cell].runs
    return next(run for run in runs if (run.arm.label(), run.seed) == (label, seed))


def test_each_private_source_has_its_control_in_every_cell(ran):
    assert [labels(cell.study.arms) for cell in ran.plan.cells] == [ARMS, ARMS]
    open_ = validate(
        {key: value for key, value in TABLE.items() if key not in ("privacy", "grid", "endpoint")}, "x"
    )
    assert labels(open_.arms) == [label for label in ARMS if label not in CONTROLS]


def test_controls_change_no_other_run(ran):
    """Not even of the same study: a source's run has the key that it has in a study of its own."""
    alone = {key: value for key, value in TABLE.items() if key not in ("rivals", "endpoint", "grid")}
    (cell,) = make_plan(alone | {"sources": ["human_soft"]}, "alone.toml").cells
    assert cell.runs[0].key == found(ran, "human_soft").key


def test_a_party_with_a_source_of_its_own_is_smoothed_as_well(ran):
    ready = prepare(found(ran, CONTROLS[1]), ran.store, "cpu")
    gamma = 10 / (math.e + 9)
    np.testing.assert_allclose(ready.targets.min(axis=1), gamma / 10)
    tops = np.unique(ready.targets.max(axis=1).round(6))
    assert round(1 - gamma + gamma / 10, 6) in tops  # where people agree, and of the party's majorities
    assert ready.privacy_spent == {} == ready.softness


def test_without_noise_nothing_is_compared(ran, result):
    clear, control = (prepare(found(ran, label, cell=1), ran.store, "cpu") for label in ARMS[1:4:2])
    np.testing.assert_array_equal(clear.targets, control.targets)
    kinds = [one.obstacle.kind if one.obstacle else "" for one in result.conclusions]
    assert (kinds[0] == "nothing compared", kinds[1]) == (False, "nothing compared")
    assert not result.cells[1].targets["human_soft"].softness


def test_a_private_source_less_its_control_is_an_effect(result):
    assert "human_soft − smoothing as private human_soft" in {row.name for row in result.cells[0].estimates}
    names = ["hard", "votes_k(k=3)", "smoothing as private votes_k(k=3)"]
    effect = effects_of(names, ["hard"])[-1]
    assert effect.name == "votes_k(k=3) − smoothing as private votes_k(k=3)"
    np.testing.assert_array_equal(effect.coefficients, [0, 1, -1])


def test_controls_are_not_for_sale(result):
    shown = Shown(result, result.cells[0])
    for plan in shown.cell.purchases:
        assert {offer.source for offer in plan.offers} == set(ARMS) - set(CONTROLS)
    assert not any(shown.is_free(shown.arms[control]) for control in CONTROLS)
    assert shown.is_free(shown.arms["hard"])
    assert {privacy_of(shown, control) for control in CONTROLS} == {"in the clear: a control"}
    target = shown.cell.targets[CONTROLS[0]]
    spent = {"model_epsilon_per_example_max": 8.0, "model_delta": 1e-5}
    trained = replace(shown.cell, targets={CONTROLS[0]: replace(target, privacy=spent)})
    told = privacy_of(Shown(result, trained), CONTROLS[0])
    assert told == "in the clear: a control; training ε 8 an example at δ 1e-05"


def test_members_of_an_ensemble_share_their_private_answers(ran):
    first, second = (prepare(part, ran.store, "cpu") for part in found(ran, ARMS[-1]).parts())
    assert first.settings.key != second.settings.key
    np.testing.assert_array_equal(first.targets, second.targets)
    assert ran.store.record(found(ran, ARMS[-1]).key)["privacy"] == first.privacy_spent


def test_the_temperature_is_charged(ran, result):
    run = found(ran, ARMS[4])
    before, after = (ran.store.record(one.key)["privacy"] for one in (run.parts()[0], run))
    assert before["epsilon_per_vote_max"] == 1.0
    assert after["epsilon_per_vote_max"] == 3.0  # of a validation image
    assert after["epsilon_per_image_max"] == before["epsilon_per_image_max"] == 18.0
    assert after["epsilon_calibration"] == 3.0
    shown = Shown(result, result.cells[0])
    assert privacy_of(shown, ARMS[4]) == "ε 3 a vote (18 an example); ε 3 a validation answer"
    open_ = Shown(result, result.cells[1])
    assert privacy_of(open_, ARMS[4]) == "ε 3 a validation answer"
    again, other = (found(ran, ARMS[4], seed=seed).stream("votes", "private calibration") for seed in (0, 1))
    assert again.random() != other.random()


def test_softness_is_measured_on_what_is_trained_on(ran, result):
    for label in ("hard", "human_soft"):
        run = found(ran, label)
        ready, record = prepare(run, ran.store, "cpu"), ran.store.record(run.key)
        described = describe_targets(ready.targets, ready.labels[ready.task.train.rows])
        for name in ("entropy", "top_mass"):
            assert record["softness"]["trained"][name] == pytest.approx(described[name])
    clear = prepare(found(ran, "human_soft", cell=1), ran.store, "cpu")
    assert record["softness"]["clear"]["entropy"] == pytest.approx(clear.summary["entropy"])
    calibrated = ran.store.record(found(ran, ARMS[4]).key)
    assert calibrated["softness"] == record["softness"]


def test_softness_is_shown(result):
    cells = [Shown(result, cell) for cell in result.cells]
    table = softness_table(cells)
    assert [row[0].text for row in table.rows] == ["privacy.labels.epsilon = 1.0", "hard", "human_soft"]
    assert softness_table(cells[1:]) is None
    assert softness_sentence(cells).startswith(
        "Noise alone makes the targets of human_soft softer than in the"
    )


def test_controls_are_not_tuned(tmp_path):
    tune = {"trials": 2, "seeds": [5, 6], "keys": {"training.lr": {"from": 0.02, "to": 1.0, "log": True}}}
    opened, _ = open_trials(TABLE | {"tune": tune}, "private.toml", tmp_path)
    assert {run.arm.label() for cell in opened.plan.cells for run in cell.runs} == {"hard", "human_soft"}


CONTROL = {"name": "noise_matched", "of": "hard"}
EARLY = {"stop": "best_validation"}
CLEAR = {key: value for key, value in TABLE.items() if key not in ("endpoint", "grid", "rivals")}


@pytest.mark.parametrize("name", ["temperature", "isotonic"])
def test_calibrators_in_the_clear_are_refused_with_the_mend(name):
    words = r"'hard \+ \w+' is calibrated on labels or votes in the clear.*fit a temperature.*epsilon = 1.0"
    with pytest.raises(StudyFileError, match=words):
        validate(CLEAR | {"rivals": [{"source": "hard", "calibration": name}]}, "private.toml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sources": [CONTROL]}, "a study with .* without being asked"),
        ({"sources": [CONTROL], "privacy": None}, "no other has; leave it out"),
        ({"rivals": [{"source": CONTROL, "members": 2}]}, "leave it out"),
        ({"scenario": {"parties": [{"share": 0.5, "source": CONTROL}]}}, "leave it"),
        ({"training": EARLY}, "'hard' stops by validation labels .* set training.stop = .last"),
        ({"rivals": [{"source": "hard", "training": EARLY}]}, "stops by validation labels"),
        ({"strategies": [{"name": "fedavg", "training": EARLY}]}, "stops by validation"),
        ({"cartography": True}, "cartography tells .* in the clear"),
        ({"sources": ["hard", "human_soft_mode_matched"]}, "sees each example's label in the clear"),
        ({"sources": ["hard", {"name": "smoothing", "rate": 0.1}]}, "sees each example's label in the clear"),
        ({"scenario": {"parties": [{"share": 0.5, "source": "mass_only"}]}}, "sees each example's label in"),
        ({"sources": ["teacher"]}, "learns from a model that saw labels in the clear"),
    ],
)  # fmt: skip
def test_what_sees_labels_in_the_clear_is_refused(change, words):
    table = {key: value for key, value in (CLEAR | change).items() if value is not None}
    with pytest.raises(StudyFileError, match=words):
        validate(table, "private.toml")


def test_planted_errors_pass_through_the_mechanism(tmp_path):
    table = CLEAR | {"scenario": {"clients": 3, "label_errors": 0.2}}
    study = open_study(table, "private.toml", tmp_path)
    run = found(study, "hard")
    ready = prepare(run, study.store, "cpu")
    assert ready.privacy_spent["epsilon_per_vote_max"] == 1.0
    wrong = (ready.labels != ready.dataset.labels)[ready.task.train.rows].mean()
    assert wrong == pytest.approx(0.2, abs=0.03)
