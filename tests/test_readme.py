"""What README shows works as it stands there."""

import re
import tomllib
from pathlib import Path

import pytest

from fedsoft.cli import Kind, _registry
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
