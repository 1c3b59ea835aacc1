"""Rivals: label sources under another training, as rows of their own."""

import csv
from typing import get_args

import pytest

from fedsoft.analysis.digest import digest
from fedsoft.config import Arm, validate
from fedsoft.errors import StudyFileError
from fedsoft.report.glosses import gloss
from fedsoft.study.opened import open_study
from fedsoft.study.settings import RunSettings
from fedsoft.training import Training

IMAGES = {"name": "digits", "inputs": "images"}
RIVALS = [
    {"source": "hard", "training": {"loss": "focal"}},
    {"source": "hard", "training": {"loss": {"name": "focal", "gamma": 0}}},
    {"source": "hard", "training": {"mixup": 0.4, "weight_decay": 0.01}},
    {"source": "hard", "training": {"augment": "crops"}},
    {"source": "teacher", "training": {"stop": "best_validation"}},
]
LABELS = [
    "hard + focal",
    "hard + focal(gamma=0.0)",
    "hard + mixup=0.4 + weight_decay=0.01",
    "hard + augment=crops",
    "teacher + stop=best_validation",
]


@pytest.fixture
def rivals(tiny):
    return tiny | {"dataset": IMAGES, "sources": ["hard"], "rivals": RIVALS, "strategies": ["fedavg"]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory, run):
    table = {
        "name": "rivals",
        "dataset": IMAGES,
        "sources": ["hard"],
        "rivals": RIVALS,
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 3,
        "seeds": [0, 1],
        "training": {"lr": 0.05},
        "endpoint": {"source": LABELS[0], "baseline": "hard"},
    }
    return run(open_study(table, "rivals.toml", tmp_path_factory.mktemp("rivals")))


def test_a_rival_is_called_by_its_changes():
    assert [Arm.model_validate(rival).label() for rival in RIVALS] == LABELS
    assert Arm.model_validate({"source": {"name": "votes_k", "k": 3}}).label() == "votes_k(k=3)"


def test_a_rivals_training_is_the_studys_but_for_its_changes(rivals, tmp_path):
    rivals["training"] = {"lr": 0.3, "weight_decay": 0.5, "epochs": 2}
    runs = open_study(rivals, "rivals.toml", tmp_path).plan.runs
    usual, *changed = (run.training for run in runs if run.seed == 0)
    for training, rival in zip(changed, RIVALS, strict=True):
        changes = Training.model_validate(rival["training"]).model_dump(exclude_unset=True)
        assert training.model_dump() == usual.model_dump() | changes


def test_a_teacher_trains_as_usual_in_its_study(rivals, tmp_path):
    phases = open_study(rivals, "rivals.toml", tmp_path).plan.phases
    assert {teacher.training.stop for teacher in phases[0]} == {"last"}
    assert [run.training.stop for run in phases[1] if run.teachers()] == ["best_validation"] * 2


def test_settings_survive_their_file(ran):
    for run in ran.plan.runs:
        again = ran.store.settings(run.key)
        assert (again.key, again.arm.label(), again.training) == (run.key, run.arm.label(), run.training)
        assert RunSettings.model_validate_json(run.model_dump_json()).key == run.key


def test_a_rival_is_a_row_of_results_and_of_the_report(ran):
    result = digest(ran)
    with (ran.store.root / "results.csv").open() as file:
        assert {row["source"] for row in csv.DictReader(file)} == {"hard", *LABELS}
    names = {estimate.name for estimate in result.cells[0].estimates}
    assert {*LABELS, *(f"{label} − hard" for label in LABELS)} <= names
    assert len(result.conclusions) == 1


def test_rivals_differ_by_their_changes_alone(ran, models):
    """A focal loss with an exponent of 0 is cross-entropy, up to rounding; the others are not."""
    store = ran.store
    test = {r.arm.label(): store.predictions(r.key)["test"] for r in ran.plan.runs if r.seed == 0}
    away = {label: abs(probs - test["hard"]).max() for label, probs in test.items()}
    assert away["hard + focal(gamma=0.0)"] < 1e-5
    assert min(away[LABELS[i]] for i in (0, 2, 3)) > 1e-3


@pytest.mark.parametrize(
    ("rival", "words"),
    [
        ({"source": "hard"}, "sources lists 'hard' twice"),
        ({"source": "hard", "training": {"loss": "focl"}}, "unknown loss 'focl' .*did you mean 'focal'"),
        ({"source": "hard", "training": {"los": "focal"}}, "unknown key 'rivals.0.training.los' .*'loss'"),
        (
            {"source": "hard", "training": {"loss": {"name": "dca", "beta": -1}}},
            "beta: .*greater than",
        ),
        ({"training": {"loss": "dca"}}, "rivals.0: key 'source' is required, or 'own'"),
    ],
)
def test_a_broken_rival_is_told(rivals, rival, words):
    with pytest.raises(StudyFileError, match=words):
        validate(rivals | {"rivals": [rival]}, "rivals.toml")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"rivals": [RIVALS[3]]},
            r"hard \+ augment=crops, fedavg, seed 0: training.augment = 'crops' is",
        ),
        (
            {"training": {"augment": "flips"}},
            "hard, fedavg, seed 0: training.augment = 'flips' is for",
        ),
        (
            {"strategies": ["fedavg", {"name": "fedadam", "training": {"augment": "flips"}}]},
            "hard, fedadam.*, seed 0: training.augment = 'flips' is for images",
        ),
        (
            {"grid": {"training.augment": ["none", "crops"]}},
            "'lidc' has features; set it to \"none\", or choose images",
        ),
    ],
)
def test_features_are_not_augmented(rivals, changes, words, tmp_path):
    """Which is told before anything runs, wherever it is asked for."""
    rivals |= {"dataset": "lidc", "rivals": [], **changes}
    with pytest.raises(StudyFileError, match=words):
        open_study(rivals, "rivals.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_images_as_they_are_leave_keys_as_they_were(tiny, tmp_path):
    def keys(training):
        table = tiny | {"dataset": IMAGES, "sources": ["hard"], "training": training}
        return [run.key for run in open_study(table, "tiny.toml", tmp_path).plan.runs]

    assert keys({}) == keys({"augment": "none"})
    assert not set(keys({})) & set(keys({"augment": "crops"}))


def test_every_augmentation_has_words():
    kinds = get_args(Training.model_fields["augment"].annotation)
    arms = [Arm.model_validate({"source": "hard", "training": {"augment": kind}}) for kind in kinds]
    assert [gloss(arm).split("; ")[1] for arm in arms] == [
        "images as they are",
        "random crops",
        "random flips",
        "random crops and flips",
    ]
