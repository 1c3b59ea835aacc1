"""What README shows works as it stands there."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from fedsoft.cli import Kind, _registry, app
from fedsoft.datasets import DATASETS
from fedsoft.scenarios import Scenario
from fedsoft.streams import stream
from fedsoft.study.opened import open_study

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def test_the_example_study_is_valid(tmp_path):
    study = tomllib.loads(BLOCKS[0]) | {"name": "example"}
    assert len(open_study(study, "README.md", tmp_path).plan.cells) == 2


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.name)
def test_studies_are_valid(path, tmp_path, request):
    table = tomllib.loads(path.read_text())
    dataset = table["dataset"]
    if (dataset if isinstance(dataset, str) else dataset["name"]) != "digits":
        request.getfixturevalue("data_folder")
    assert open_study({"name": path.stem, **table}, str(path), tmp_path).plan.runs


def test_every_source_is_in_the_table():
    first_cells = " ".join(re.findall(r"^\| ([^|]*) \|", README, re.MULTILINE))
    for name in _registry(Kind.sources).names():
        assert f"`{name}`" in first_cells


def test_commands_name_files_that_are_there():
    for path in re.findall(r"(?:configs|simulations|docs)/[\w.]+\.\w+", README):
        assert (ROOT / path).exists(), path


OWN = README.split("## Your own data\n")[1].split("\n## ")[0]
COMMANDS = re.search(r"```sh\n(.*?)```", OWN, re.DOTALL)[1].splitlines()
TABLES = [line for block in re.findall(r"```toml\n(.*?)```", OWN, re.DOTALL) for line in block.splitlines()]


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    """The files that README's part on own data names: pictures, answers, gold labels, arrays."""
    folder, rng = tmp_path_factory.mktemp("own"), stream("README")
    (folder / "images").mkdir()
    names, classes, people = [f"{i:03d}.png" for i in range(60)], ["cat", "dog"], ["ann", "bob", "cem", "dee"]
    said = {}
    for number, name in enumerate(names):
        picture = rng.integers(0, 90, (8, 8, 3), dtype=np.uint8)
        picture[..., number % 2] += 120
        Image.fromarray(picture).save(folder / "images" / name)
        for person in people:
            said[name, person] = classes[int(number % 2 != (rng.random() < 0.2))]
    rows = [f"{name},{person},{label}" for (name, person), label in said.items()]
    (folder / "answers.csv").write_text("\n".join(["item,annotator,label", *rows]) + "\n")
    gold = [f"{name},{classes[number % 2]}" for number, name in enumerate(names)]
    (folder / "gold.csv").write_text("\n".join(["item,label", *gold]) + "\n")
    (folder / "project.json").write_text(json.dumps([
        {
            "id": number,
            "data": {"image": f"/data/upload/1/0a1b2c3d-{name}"},
            "annotations": [
                {
                    "completed_by": person,
                    "result": [
                        {
                            "type": "choices", "from_name": "kind", "to_name": "image",
                            "value": {"choices": [said[name, people[person]]]},
                        }
                    ],
                }
                for person in range(4)
            ],
        }
        for number, name in enumerate(names)
    ]))  # fmt: skip
    inputs = {
        "features": rng.normal(size=(60, 4)) + np.arange(60)[:, np.newaxis] % 2,
        "item_ids": np.array(names),
    }
    np.savez(folder / "features.npz", **inputs)
    np.savez(
        folder / "votes.npz", **inputs, votes=rng.multinomial(5, [0.3, 0.7], 60), labels=np.arange(60) % 2
    )
    forecasts = [
        f"{name},{0.8 - 0.6 * (n % 2):.1f},{0.2 + 0.6 * (n % 2):.1f}" for n, name in enumerate(names)
    ]
    (folder / "mine.csv").write_text("\n".join(["item,cat,dog", *forecasts]) + "\n")
    return folder


def test_the_commands_on_own_data_run_one_after_the_other(own_folder, monkeypatch):
    monkeypatch.chdir(own_folder)
    monkeypatch.setenv("COLUMNS", "200")
    for line in COMMANDS:
        command, *words = shlex.split(line, comments=True)
        assert command == "fedsoft"
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (line, done.output, done.exception)
    assert (own_folder / "people.csv").read_text().count("\n") == 5
    assert (own_folder / "runs/study/report.html").exists()


@pytest.mark.parametrize("line", TABLES)
def test_the_tables_on_own_data_are_valid(line, own_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(own_folder)
    data = {"name": "npz", "path": "features.npz", "annotations": "answers.csv", "predictions": "mine.csv"}
    study = {
        "name": "own",
        "dataset": data,
        "sources": ["human_soft"],
        "strategies": ["fedavg"],
        "seeds": [0],
    }
    table = study | {"rounds": 1, "model": "linear", "scenario": {"clients": 3}} | tomllib.loads(line)
    if "images" in line:
        table["model"] = "cnn"
    open_study(table, "README.md", tmp_path)


def test_what_data_have_is_treated_by_settings_that_exist():
    own = [DATASETS.get(name) for name in ("folder", "npz")]
    known = {key for model in (Scenario, *own) for key in model.model_fields}
    rows = re.findall(r"^\|[^|]*\|[^|]*\|([^|]*)\|$", OWN, re.MULTILINE)[2:]
    assert len(rows) == 9
    for key in re.findall(r"`(\w+)(?: =[^`]*)?`", " ".join(rows)):
        assert key in known, key
