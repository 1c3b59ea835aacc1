"""A draft as text: valid TOML that says what the draft says, whatever its comments hold."""

import tomllib
from dataclasses import replace

import pytest

from fedsoft.starting.draft import Draft, Entry
from fedsoft.starting.text import comment, spelled, study_text

DRAFT = Draft(
    found=("npz: 3 items\nlabels = 'x'",),
    description='What do "people" buy?',
    dataset={"name": "npz", "path": "C:\\data\\a b.npz", "columns": {"my item": "q", "label": ""}},
    sources=(Entry("hard", "the\nlabel"), Entry({"name": "votes_k", "k": 1})),
    rivals=(Entry({"source": "hard", "training.weight_decay": 0.01}, "?"),),
    absent=(("dawid_skene", "who answered is not known"),),
    model=Entry({"name": "mlp", "hidden": [64]}, "why"),
    rounds=Entry(40),
    tuned="not tuned",
    seeds=Entry([0, 1]),
    folds=Entry(5),
    scenario={"clients": Entry(7, "seven")},
    instead=("clients = 30",),
    training={"lr": Entry(0.003), "batch_size": Entry(16)},
    endpoint={"source": Entry("human_soft"), "baseline": Entry("hard")},
)


def test_what_is_read_is_what_was_drafted():
    assert tomllib.loads(study_text(DRAFT)) == {
        "description": DRAFT.description,
        "dataset": DRAFT.dataset,
        "sources": ["hard", {"name": "votes_k", "k": 1}],
        "rivals": [{"source": "hard", "training": {"weight_decay": 0.01}}],
        "strategies": ["fedavg"],
        "model": {"name": "mlp", "hidden": [64]},
        "rounds": 40,
        "tuned": "not tuned",
        "seeds": [0, 1],
        "folds": 5,
        "scenario": {"clients": 7},
        "training": {"lr": 0.003, "batch_size": 16},
        "endpoint": {"source": "human_soft", "baseline": "hard"},
    }


def test_reasons_stand_beside_what_they_are_for():
    text = study_text(DRAFT)
    for line in ("clients = 7  # seven", "# clients = 30", "#   dawid_skene: who answered is not known."):
        assert line in text.splitlines()


def test_held_out_data_have_no_folds_and_rivals_may_be_none():
    table = tomllib.loads(study_text(replace(DRAFT, folds=None, rivals=())))
    assert "folds" not in table
    assert table["rivals"] == []


@pytest.mark.parametrize("value", [True, 3, 0.1, 1e-9, 3.0, 1e30, "a\x7f\t\"'\\é", ["x", 1.5], {"a b": {}}])
def test_values_survive(value):
    assert tomllib.loads(f"value = {spelled(value)}")["value"] == value


def test_long_comments_are_wrapped_and_stay_comments():
    lines = comment("word " * 60)
    assert len(lines) > 1
    assert all(line.startswith("# ") and len(line) <= 110 for line in lines)
