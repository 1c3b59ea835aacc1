"""The user's own data are recognised by where they lie."""

import pytest

from fedsoft.datasets.from_path import choice_of
from fedsoft.errors import DataError


@pytest.mark.parametrize(
    ("files", "path", "name", "found"),
    [
        (["a.png", "notes.txt", "x.npz"], ".", "folder", "."),
        (["cat/a.JPG"], ".", "folder", "."),
        (["mine.npz", "answers.csv"], ".", "npz", "mine.npz"),
        (["ann.jsonl", "bob.jsonl"], ".", "answers", "."),
        (["notes.txt"], ".", "folder", "."),
        (["mine.NPZ"], "mine.NPZ", "npz", "mine.NPZ"),
        (["said.tsv"], "said.tsv", "answers", "said.tsv"),
    ],
)
def test_what_lies_there(files, path, name, found, tmp_path):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert choice_of(tmp_path / path) == {"name": name, "path": str(tmp_path / found)}


def test_nothing_lies_there(tmp_path):
    with pytest.raises(DataError, match="does not exist; name a file, a folder, or a dataset"):
        choice_of(tmp_path / "none")
