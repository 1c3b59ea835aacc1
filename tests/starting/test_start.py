"""The file that is written is a valid study of the data that it was made for, and runs."""

import csv
import tomllib

import numpy as np
import pytest
from PIL import Image

from fedsoft.config import read_study
from fedsoft.errors import DataError, StoreError, StudyFileError
from fedsoft.execution.conduct import run_study
from fedsoft.starting.start import start
from fedsoft.streams import stream
from fedsoft.study.opened import open_study


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes arrays and a study file for them, in the current folder; gives the study file's table."""
    monkeypatch.chdir(tmp_path)

    def build(arrays, searches=False, force=False):
        np.savez(tmp_path / "mine.npz", **arrays)
        start({"name": "npz", "path": "mine.npz"}, tmp_path / "study.toml", searches, force)
        table = read_study(tmp_path / "study.toml")
        assert open_study(table, "study.toml", tmp_path / "check").open_runs
        return table

    return build


def names(table):
    return [one if isinstance(one, str) else one["name"] for one in table["sources"]]


def test_people_who_are_known_and_labels_of_their_own(made, write):
    table = write(made(people=30))
    assert table["dataset"] == {"name": "npz", "path": "mine.npz"}
    assert {"human_hard", "human_soft_mode_matched", "dawid_skene", "votes_k"} <= set(names(table))
    assert table["endpoint"] == {
        "source": "human_soft",
        "baseline": "hard",
        "metric": "brier",
        "reference": "label",
        "view": "equal_confidence",
    }


def test_votes_alone_are_measured_against_people(made, write):
    arrays = made()
    del arrays["labels"]
    table = write(arrays)
    assert not {"human_hard", "human_soft_mode_matched", "dawid_skene"} & set(names(table))
    assert table["endpoint"]["reference"] == "vote"


def test_labels_alone(made, write):
    table = write(made(votes=0))
    assert table["sources"] == ["hard", {"name": "smoothing", "rate": 0.1}]
    assert table["endpoint"]["source"] == "smoothing(rate=0.1)"
    assert all("human" not in one["source"] for one in table["rivals"])


def test_everybody_agrees(made, write):
    assert names(write(made(skill=1.0))) == ["hard", "smoothing"]


def test_everybody_agrees_but_not_with_the_label(made, write):
    arrays = made(skill=1.0)
    arrays["labels"][:9] = (arrays["labels"][:9] + 1) % 3
    assert "human_hard" in names(write(arrays))


def test_a_crowd_of_one_or_two_is_no_cheaper_than_itself(made, write):
    assert "votes_k" not in names(write(made(votes=1)))
    table = write(made(votes=2), force=True)
    assert [one for one in table["sources"] if "votes_k" in str(one)] == [{"name": "votes_k", "k": 1}]


def test_shares_are_not_drawn_from(made, write):
    arrays = made()
    arrays["votes"] = arrays["votes"] / 5
    assert not {"votes_k", "human_soft_shrunk"} & set(names(write(arrays)))


def test_held_out_items_without_votes(made, write):
    arrays = made()
    arrays["held_out"] = np.arange(240) < 60
    arrays["votes"][arrays["held_out"]] = 0
    table = write(arrays)
    assert "folds" not in table
    assert table["endpoint"]["reference"] == "label"


def test_votes_on_held_out_items_alone_train_nothing(made, write):
    arrays = made()
    arrays["held_out"] = np.arange(240) < 60
    arrays["votes"][~arrays["held_out"]] = 0
    assert names(write(arrays)) == ["hard", "smoothing"]


def test_items_with_too_few_votes(made, write):
    arrays = made()
    arrays["votes"][7] = [2, 0, 0]
    table = write(arrays)
    assert {"name": "votes_k", "k": 3} in table["sources"]
    assert table["scenario"]["few_votes"] == "take"


def test_a_class_with_single_votes_does_not_tell_how_people_differ(made, write):
    arrays = made()
    assert "human_soft_shrunk" in names(write(arrays))
    arrays["votes"][arrays["labels"] == 1] = [0, 1, 0]
    arrays["votes"][1] = [1, 1, 0]
    assert "human_soft_shrunk" not in names(write(arrays, force=True))


def test_sites_are_clients(made, write):
    table = write(made() | {"groups": np.arange(240) % 4})
    assert table["scenario"] == {"clients": 4, "partition": "natural"}


def test_people_whose_items_these_are_stay_whole(made, write):
    scenario = write(made() | {"groups": np.arange(240) // 4})["scenario"]
    assert scenario["partition"] == "iid"


def test_two_classes_one_of_them_rare(made, write):
    arrays = made(classes=2)
    arrays["labels"] = (np.arange(240) < 4).astype(int)
    assert write(arrays)["folds"] == 4


def test_a_class_that_is_nobodys(made, write):
    arrays = made()
    arrays["votes"] = np.pad(arrays["votes"], ((0, 0), (0, 1)))
    write(arrays | {"class_names": np.array(["a", "b", "c", 'd" # \n x = 1'])})


def test_few_items_fit_nothing_afterwards(made, write):
    table = write(made(items=40))
    assert table["scenario"]["clients"] == 2
    assert table["rivals"] == [{"source": "hard", "training": {"weight_decay": 0.01}}]


def test_clients_who_are_people_are_offered_and_can_be_taken(made, write, tmp_path):
    table = write(made(people=30))
    lines = (tmp_path / "study.toml").read_text().splitlines()
    offered = "\n".join(line[2:] for line in lines if line.startswith(("# clients =", "# part", "# few_")))
    table["scenario"] = tomllib.loads(offered)
    assert table["scenario"]["clients"] == 30
    table["sources"].remove("human_soft_shrunk")
    assert open_study(table, "study.toml", tmp_path / "people").open_runs


def test_a_folder_of_images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    rng = stream("pictures")
    rows = []
    for i in range(24):
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(tmp_path / f"images/{i}.png")
        rows += [(f"{i}.png", f"w{j}", ["cat", "dog"][(i + (i * j > 30)) % 2]) for j in range(3)]
    with (tmp_path / "annotations.csv").open("w") as file:
        csv.writer(file).writerows([("item", "annotator", "label"), *rows])
    started = start({"name": "folder", "path": "images", "size": 8}, tmp_path / "first.toml", False)
    table = read_study(tmp_path / "first.toml", ["rounds=1", "seeds=[0]"])
    assert table["model"]["name"] == "cnn"
    assert started.lines()[-1] == f"  fedsoft run {tmp_path / 'first.toml'}"
    opened = open_study(table, "first.toml", tmp_path / "runs")
    assert run_study(opened, "inprocess", 1, lambda run, figures: None, lambda: False)
    assert not opened.failures


def test_a_short_search_finds_a_rate_that_learns(made, write, monkeypatch, tmp_path):
    monkeypatch.setattr("fedsoft.starting.search.PROBE_SECONDS", 0.1)
    table = write(made(items=150, votes=5), searches=True)
    assert "seeds from 1000 on (fedsoft init)" in table["tuned"]
    assert f"{table['training']['lr']:g}" in table["tuned"].split(" by ")[0]
    assert 10 <= table["rounds"] <= 240
    opened = open_study({**table, "seeds": [0], "rivals": []}, "study.toml", tmp_path / "runs")
    assert run_study(opened, "inprocess", 1, lambda run, figures: None, lambda: False)
    accuracies = [opened.store.rounds(run.key)[-1]["accuracy"] for run in opened.plan.runs[:2]]
    assert min(accuracies) > 0.6  # of three classes


def test_nothing_is_written_over_unasked(made, write, tmp_path):
    write(made())
    table = {"name": "npz", "path": "mine.npz"}
    before = (tmp_path / "study.toml").read_text()
    with pytest.raises(StoreError, match=r"study.toml is there already; .* --force"):
        start(table, tmp_path / "study.toml", False)
    (tmp_path / "study.toml").write_text("sources = []")
    start(table, tmp_path / "study.toml", False, force=True)
    assert (tmp_path / "study.toml").read_text() == before
    with pytest.raises(StoreError, match="is a folder; name a file in it"):
        start(table, tmp_path, False)


def test_only_a_study_is_ever_written_over(made, write, tmp_path):
    write(made())
    others = {"answers.csv": "item,annotator,label\na,w,x\n", "pyproject.toml": "[project]\n"}
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        for force in (False, True):
            with pytest.raises(StoreError, match="is no study file; OUT is the study file") as refused:
                start({"name": "npz", "path": "mine.npz"}, tmp_path / name, False, force)
            assert "--force" not in str(refused.value)
            assert ("--set annotations=" in str(refused.value)) == name.endswith(".csv")
        assert (tmp_path / name).read_text() == text


def test_what_is_missing_is_said(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "study.toml"

    def refused(table, words, error=DataError):
        with pytest.raises(error, match=words):
            start(table, out, False)
        assert not out.exists()

    (tmp_path / "answers.csv").write_text("item,annotator,label\na,w,x\n")
    alone = {"name": "answers", "path": "answers.csv"}
    refused(alone, r"answers alone, .* fedsoft init images --set annotations=answers.csv")
    np.savez(tmp_path / "features.npz", **made())
    refused(alone, r"fedsoft init features.npz --set annotations=answers.csv")
    np.savez(tmp_path / "few.npz", **made(items=12))
    refused({"name": "npz", "path": "few.npz"}, "12 items to train on, too few")
    arrays = made()
    np.savez(tmp_path / "one.npz", **{**arrays, "labels": arrays["labels"] * 0})
    refused({"name": "npz", "path": "one.npz"}, "all items to train on are of class '0'")
    refused({"name": "npz", "path": "none.npz"}, "none.npz does not exist")
    refused({"name": "npz", "path": "few.npz", "rounds": 3}, "unknown key 'rounds'", StudyFileError)
