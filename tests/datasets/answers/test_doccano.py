import json
import zipfile

import pytest

from fedsoft.datasets.answers import AnswerOptions, read_answers, tidy
from fedsoft.errors import DataError

ANN = [
    {"id": 1, "filename": "a.png", "label": ["cat"], "Comments": []},
    {"id": 2, "filename": "b.png", "label": []},
]
BOB = [
    {"id": 1, "filename": "a.png", "label": ["cat", "dog"]},
    {"id": 2, "filename": "b.png", "label": ["dog"]},
]
BOTH = [
    ("a.png", "ann", "cat", 1.0),
    ("a.png", "bob", "cat", 0.5),
    ("a.png", "bob", "dog", 0.5),
    ("b.png", "bob", "dog", 1.0),
]


def read(path, **options):
    chosen = AnswerOptions(**options)
    return tidy(read_answers(path, chosen), chosen)


def lines(entries):
    return "\n".join(map(json.dumps, entries))


def test_one_file_does_not_say_who(answers, rows):
    a = answers(
        [{"id": 1, "text": "hi", "label": ["cat"]}, {"id": 2, "text": "ho", "label": ["dog"]}], "all.jsonl"
    )
    assert rows(a) == [("hi", None, "cat"), ("ho", None, "dog")]
    assert (a.place, a.numbers.tolist()) == ("line", [1, 2])
    assert "export of doccano" in a.told[0]


def test_a_folder_holds_one_person_a_file(write, tmp_path, rows):
    write(ANN, "out/ann.jsonl")
    write(BOB, "out/bob.jsonl")
    write([{"id": 3, "filename": "c.png", "label": []}], "out/unknown.jsonl")
    write(b"\x00", "out/.DS_Store")
    a = read(tmp_path / "out")
    assert rows(a) == BOTH
    assert "1 row without an answer (empty)" in " ".join(a.told)


def test_an_archive_too(tmp_path, rows):
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr("ann.jsonl", lines(ANN))
        archive.writestr("bob.jsonl", lines(BOB))
        archive.writestr("__MACOSX/._ann.jsonl", "x")
    assert rows(read(tmp_path / "out.zip")) == BOTH
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 no more")
    with pytest.raises(DataError, match="no ZIP archive"):
        read(tmp_path / "bad.zip")


@pytest.mark.parametrize(("name", "who"), [("admin", "admin"), ("all", None)])
def test_an_archive_of_one_file(name, who, tmp_path, rows):
    with zipfile.ZipFile(tmp_path / "out.zip", "w") as archive:
        archive.writestr(f"{name}.jsonl", lines([{"id": 1, "text": "hi", "label": ["cat"]}]))
    assert rows(read(tmp_path / "out.zip")) == [("hi", who, "cat")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"text": "t", "labels": ["cat"]}, [("t", None, "cat")]),
        ({"text": "t", "label": "cat"}, [("t", None, "cat")]),
        ({"text": "t", "label": [["cat", 3]]}, [("t", None, "cat")]),
        ({"data": "t", "label": ["cat"]}, [("t", None, "cat")]),
        (
            {"text": "t", "cats": {"cat": 0.75, "dog": 0.25, "cow": 0}},
            [("t", None, "cat", 0.75), ("t", None, "dog", 0.25)],
        ),
        (
            {"text": "t", "annotations": [{"label": 3, "user": 1}, {"label": 4, "user": 2}]},
            [("t", "1", "3"), ("t", "2", "4")],
        ),
    ],
)
def test_labels_are_written_in_several_ways(entry, expected, answers, rows):
    assert rows(answers([entry], "x.jsonl", answers_format="doccano")) == expected


def test_spans_are_counted_and_left_out(answers):
    a = answers([{"text": "t", "label": [[0, 3, "PER"]]}, {"text": "u", "label": ["cat"]}], "x.jsonl")
    assert a.items == ("u",)
    assert "1 answer left out: spans" in " ".join(a.told)


def test_a_folder_of_other_exports_is_refused(write, tmp_path):
    record = {"_input_hash": 1, "text": "t", "accept": ["cat"], "answer": "accept"}
    for name in ("one", "two"):
        write([record], f"out/{name}.jsonl")
    with pytest.raises(DataError, match="2 files that are not all tables or exports of doccano"):
        read(tmp_path / "out")


def test_shares_of_nothing_are_no_answer(answers):
    a = answers(
        [{"text": "t", "cats": {"cat": 0, "dog": 0}}, {"text": "u", "cats": {"cat": 1, "dog": 0}}], "x.jsonl"
    )
    assert (a.items, a.class_names, a.weight) == (("t", "u"), ("cat",), None)
