import os
import zipfile
from pathlib import Path

import pytest

from fedsoft.datasets.answers import AnswerOptions, files, read_answers, tidy
from fedsoft.errors import DataError

ANN, BOB = "item,label\n1,cat\n2.0,dog\n", "item,label\n1.0,dog\n"


def packed(path, entries, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, text in entries:
            archive.writestr(name, text)
    return path


def test_entries_of_an_archive_may_have_any_name(tmp_path):
    names = ("./ann.csv", "x//bob.csv", "y\\cy.csv", "/z/di.csv", "../ed.csv")
    path = packed(tmp_path / "team.zip", [(name, BOB) for name in names])
    assert set(read_answers(path, AnswerOptions()).annotators) == {"ann", "bob", "cy", "di", "ed"}


def test_hidden_files_are_nobodys(tmp_path):
    hidden = ("__MACOSX/ann.csv", "x/._bob.csv", ".trash/cy.csv")
    path = packed(tmp_path / "team.zip", [("ann.csv", ANN), ("bob.csv", BOB), *((n, "?") for n in hidden)])
    assert set(read_answers(path, AnswerOptions()).annotators) == {"ann", "bob"}
    for name, text in (("ann.csv", ANN), ("bob.csv", BOB), ("._bob.csv", "?")):
        (tmp_path / "team").mkdir(exist_ok=True)
        (tmp_path / "team" / name).write_text(text)
    assert set(read_answers(tmp_path / "team", AnswerOptions()).annotators) == {"ann", "bob"}


def test_a_folder_may_be_named_from_another(tmp_path, monkeypatch):
    (tmp_path / "team").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "team" / "ann.csv").write_text(ANN)
    (tmp_path / "team" / "bob.csv").write_text(BOB)
    monkeypatch.chdir(tmp_path / "here")
    assert len(read_answers(Path("../team"), AnswerOptions()).items) == 3


def test_numbers_of_several_files_are_one_item(tmp_path):
    path = packed(tmp_path / "team.zip", [("ann.csv", ANN), ("bob.csv", BOB)])
    options = AnswerOptions()
    assert tidy(read_answers(path, options), options).items == ("1", "2")


def test_an_archive_that_fills_the_memory_is_refused(tmp_path, monkeypatch):
    path = packed(tmp_path / "team.zip", [("ann.csv", ANN), ("bob.csv", BOB), ("cy.csv", BOB)])
    monkeypatch.setattr(files, "LARGEST", len(ANN + BOB))
    with pytest.raises(
        DataError, match=r"team\.zip holds more than .* GB of answers unpacked, with 'cy\.csv'"
    ):
        read_answers(path, AnswerOptions())


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path, monkeypatch):
    path = packed(tmp_path / "team.zip", [("ann.csv", "0" * 10**7)])
    data = path.read_bytes()
    path.write_bytes(data.replace((10**7).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    unpacked = []
    read = zipfile.ZipExtFile.read

    def counted(self, n=-1):
        unpacked.append(n)
        return read(self, n)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    with pytest.raises(DataError, match="no ZIP archive that can be read"):
        read_answers(path, AnswerOptions())
    assert all(0 < n <= files.PIECE for n in unpacked)


def test_an_archive_packed_otherwise_is_refused(tmp_path):
    path = packed(tmp_path / "team.zip", [("ann.csv", ANN)], zipfile.ZIP_BZIP2)
    with pytest.raises(DataError, match=r"'ann\.csv', packed in an unusual way"):
        read_answers(path, AnswerOptions())


def test_pipes_and_devices_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "ann.csv")
    for path in (tmp_path / "ann.csv", Path("/dev/zero"), tmp_path):
        with pytest.raises(DataError, match="is a pipe or device and no file; name a file"):
            read_answers(path, AnswerOptions())


def test_paths_that_no_file_can_have_are_named(tmp_path):
    for path in (tmp_path / ("a" * 300), tmp_path / "a\0b"):
        with pytest.raises(DataError, match=r"cannot be read .*; correct its path"):
            read_answers(path, AnswerOptions())
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"gone\.csv does not exist"):
        read_answers(tmp_path / "gone.csv", AnswerOptions())


def test_free_text_in_several_files_names_the_column(tmp_path):
    notes = "item,note\n" + "".join(f"{i},I saw {i}\n" for i in range(300))
    path = packed(tmp_path / "team.zip", [("ann.csv", notes), ("bob.csv", notes.replace("saw", "see"))])
    options = AnswerOptions(columns={"label": "note"})
    with pytest.raises(DataError, match="the column 'note' holds 600 different texts in 600 rows"):
        tidy(read_answers(path, options), options)
