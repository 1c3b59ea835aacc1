import io
import subprocess
import sys
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest
from rich.console import Console

from fedsoft.datasets import DATASETS
from fedsoft.datasets.annotated import AnnotatedDataset, Annotations
from fedsoft.datasets.duplicates import find_duplicates
from fedsoft.errors import DataError
from fedsoft.report.data_check import duplicate_lines, shifts_of, show_data
from fedsoft.report.data_support import study_line, supports
from fedsoft.streams import stream


def printed(data: AnnotatedDataset, width: int = 110, **options) -> str:
    console = Console(width=width, file=io.StringIO())
    show_data(data, console, **options)
    return console.file.getvalue()


def can(data: AnnotatedDataset) -> dict[str, str]:
    return {one.what: one.can for one in supports(data, None, shifts_of(data))}


def why(data: AnnotatedDataset, what: str) -> str:
    return next(one.why for one in supports(data, None, shifts_of(data)) if one.what == what)


@pytest.fixture
def voted(crowd) -> AnnotatedDataset:
    """Sixty items of three classes, five votes each, some of them for another class."""
    votes = np.array([[5, 0, 0], [1, 4, 0], [0, 2, 3], [3, 1, 1], [0, 4, 1], [2, 0, 3]] * 10)
    return crowd(votes.tolist())


def test_what_can_be_asked(voted):
    assert can(voted) == {
        "softness": "yes",
        "correction": "no",
        "cheap crowds": "yes",
        "aggregation": "no",
        "people as clients": "no",
        "natural clients": "no",
        "private labels": "yes",
        "hard examples": "partly",
        "5 folds": "yes",
    }
    assert why(voted, "cheap crowds") == "votes_k up to k = 5"
    assert why(voted, "softness") == "votes disagree on 83 % of examples"
    assert "12 examples" in why(voted, "hard examples")


def test_what_majority_labels_cannot_say(voted):
    majority = replace(voted, labels_are_majority=True)
    assert shifts_of(majority) is None
    assert "the votes' own majority" in why(majority, "correction")


def test_shares_are_no_votes(voted):
    soft = replace(voted, votes=voted.votes / 5)
    asked = can(soft)
    assert asked["softness"] == "yes"
    assert asked["cheap crowds"] == asked["private labels"] == "no"
    assert "Krippendorff" not in printed(soft)


def test_items_without_votes(voted):
    votes = voted.votes.copy()
    votes[:6] = 0
    some = replace(voted, votes=votes)
    assert can(some)["softness"] == "partly"
    assert "6 have none" in why(some, "softness")
    assert why(some, "cheap crowds") == "votes_k up to k = 5"  # of those that have any
    held_out = np.arange(60) < 6
    assert can(replace(some, held_out=held_out))["hard examples"] == "no"
    assert why(replace(some, held_out=held_out), "cheap crowds") == "votes_k up to k = 5"


def test_nothing_but_labels(voted):
    bare = replace(voted, votes=None, crowd=None)
    assert set(can(bare).values()) == {"no", "yes"}
    assert [what for what, answer in can(bare).items() if answer == "yes"] == ["5 folds"]
    assert "People" not in printed(bare)


def test_everybody_agrees(voted):
    agreed = replace(voted, votes=5 * np.eye(3, dtype=np.int64)[voted.labels])
    assert can(agreed)["softness"] == "no"
    assert can(agreed)["hard examples"] == "no"


def test_labels_in_part_are_judged_by_those_there_are(voted):
    labelled = np.arange(60) < 6
    wrong = np.where(labelled, voted.labels, (voted.labels + 1) % 3)
    shifts = shifts_of(replace(voted, labels=wrong, labelled=labelled))
    assert shifts.observed == 0
    assert shifts_of(replace(voted, labelled=np.zeros(60, dtype=bool))) is None


def test_identical_items_are_named(voted):
    inputs = voted.inputs.copy()
    inputs[7] = inputs[3]
    ids = np.array([f"i{n}" for n in range(60)])
    twice = replace(voted, inputs=inputs, item_ids=ids, labels=np.where(np.arange(60) == 7, 2, voted.labels))
    lines = duplicate_lines(find_duplicates(twice.inputs, twice.labels), twice)
    assert lines[0].startswith(
        "2 examples are identical to others (1 set, such as i3, i7); in 1 of the sets labels"
    )
    assert "Folds may put one in training" in lines[1]
    held_out = np.arange(60) == 7
    assert "Warning: 1 set of identical examples is on both sides" in printed(
        replace(twice, held_out=held_out)
    )
    assert not duplicate_lines(find_duplicates(voted.inputs, voted.labels), voted)


def test_what_a_study_would_take(voted):
    # 48 items, 2.4 microseconds, 40 rounds, 10 seeds, 2 sources: under a second; 3 * .2 / sqrt(60)
    assert "about 1 s on one core" in study_line(voted)
    assert "0.046" in study_line(voted)
    images = replace(voted, inputs=np.zeros((60, 32, 32, 3), dtype=np.uint8))
    # 48 * 3072 * 2e-7 * 800
    assert "about 24 s" in study_line(images)


def test_the_whole_of_it_on_digits(tmp_path):
    data = DATASETS.parse("digits").load()
    text = printed(replace(data, notes=("One odd thing.",)), out=tmp_path / "people.csv")
    titles = ["One odd thing.", "People", "What these data can be asked", "Who stands out"]
    assert sorted(titles, key=text.index) == titles
    assert (tmp_path / "people.csv").read_text().count("\n") == 19
    assert max(map(len, printed(data, width=50).splitlines())) <= 50
    with pytest.raises(DataError, match="it is not known who gave which answer"):
        show_data(replace(data, annotations=None), Console(file=io.StringIO()), tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()


def test_many_people_are_quick_and_take_no_torch():
    rng = stream("a large crowd")
    items, people, answers = 10_000, 800, 50_000
    item, who = np.repeat(np.arange(items), 5), rng.integers(0, people, answers)
    label = (rng.random(answers) < rng.random(items)[item]).astype(int)
    votes = np.bincount(item * 2 + label, minlength=2 * items).reshape(-1, 2)
    data = AnnotatedDataset(
        name="many",
        inputs=rng.normal(size=(items, 50)).astype(np.float32),
        labels=votes.argmax(axis=1),
        class_names=("a", "b"),
        votes=votes,
        crowd="real",
        labels_are_majority=True,
        annotations=Annotations(item, who, label),
    )
    began = perf_counter()
    printed(data)
    assert perf_counter() - began < 5.0  # 0.8 s on a quiet machine
    code = "import sys, fedsoft.report.data_check; assert not {'torch', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
