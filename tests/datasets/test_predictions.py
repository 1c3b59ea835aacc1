"""Predictions of the user's own models: formats, matching by item and class, and what is refused."""

import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError
from fedsoft.streams import stream

IDS = ["img/a.png", "img/b.png", "img/c.png", "img/d.png"]
NAMES = ["cat", "dog", "eel"]
LABELS = np.array([0, 1, 2, 0])
ROWS = np.array([[0.7, 0.2, 0.1], [0.125, 0.75, 0.125], [0.25, 0.25, 0.5], [0.5, 0.25, 0.25]])
GIVEN = {
    "features": np.eye(4, 2),
    "labels": LABELS,
    "item_ids": np.array(IDS),
    "class_names": np.array(NAMES),
}


def load(folder, arrays=GIVEN, **options):
    np.savez(folder / "mine.npz", **arrays)
    return DATASETS.parse({"name": "npz", "path": str(folder / "mine.npz"), **options}).load()


def clip(folder, text=None, arrays=GIVEN, file="clip.csv"):
    """The predictions that a CSV gives."""
    if text is not None:
        (folder / file).write_text(text)
    return load(folder, arrays, predictions={"clip": str(folder / file)})


def table(header, rows, delimiter=","):
    return "\n".join(delimiter.join(map(str, row)) for row in [header, *rows])


WIDE = [[name, *row] for name, row in zip(IDS, ROWS.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("header", "order", "delimiter"),
    [
        (["item", *NAMES], [0, 1, 2], ","),
        (["image_id", "eel", "cat", "dog"], [2, 0, 1], ";"),
        (["filename", "p_eel", "p_cat", "p_dog"], [2, 0, 1], ","),
        (["item", "Dog (prob)", "CAT (prob)", "eel (prob)"], [1, 0, 2], "\t"),
        (["", "dog", "cat", "eel"], [1, 0, 2], ","),
        (["what", "dog", "cat", "eel"], [1, 0, 2], ","),
    ],
)
def test_columns_are_found_by_the_names_of_classes(header, order, delimiter, tmp_path):
    rows = [[name, *(row[at] for at in order)] for name, *row in WIDE]
    data = clip(tmp_path, table(header, rows[::-1], delimiter))
    np.testing.assert_array_equal(data.predictions["clip"], ROWS)
    assert data.notes == ()


def test_columns_with_other_names_are_taken_in_order_and_told(tmp_path):
    data = clip(tmp_path, table(["item", "x", "y", "z"], WIDE))
    np.testing.assert_array_equal(data.predictions["clip"], ROWS)
    (note,) = data.notes
    assert "'x', 'y', 'z' are taken for the classes 'cat', 'dog', 'eel', in this order" in note


def test_columns_beside_those_of_classes_do_not_count(tmp_path):
    rows = [[name, "test", *row, "cat"] for name, *row in WIDE]
    data = clip(tmp_path, table(["item", "split", *NAMES, "predicted"], rows))
    np.testing.assert_array_equal(data.predictions["clip"], ROWS)


def test_classes_own_names_come_before_names_like_them(tmp_path):
    rows = [[name, *row, 9, 9, 9] for name, *row in WIDE]
    header = ["item", *NAMES, *(f"logit_{name}" for name in NAMES)]
    np.testing.assert_array_equal(clip(tmp_path, table(header, rows)).predictions["clip"], ROWS)
    ten = [str(number) for number in range(11)]
    arrays = GIVEN | {"class_names": np.array(ten)}
    wide = [[name, *np.eye(11, dtype=int)[row]] for row, name in enumerate(IDS)]
    found = clip(tmp_path, table(["item", *(f"p_{name}" for name in ten)], wide), arrays)
    np.testing.assert_array_equal(found.predictions["clip"], np.eye(11)[:4])


def test_a_row_an_item_and_class(tmp_path):
    rows = [(name, c, p) for name, *row in WIDE for c, p in zip(NAMES, row, strict=True)]
    rows = [rows[at] for at in stream("rows").permutation(len(rows))]
    data = clip(tmp_path, table(["item", "class", "probability"], rows))
    np.testing.assert_array_equal(data.predictions["clip"], ROWS)
    some = table(["item", "class", "probability"], [("img/a.png", "cat", 1.0), ("img/b.png", "dog", "")])
    found = clip(tmp_path, some).predictions["clip"]
    np.testing.assert_array_equal(found[0], [1, 0, 0])
    assert np.isnan(found[1:]).all()


def test_items_are_matched_as_answers_are_and_the_rest_is_told(tmp_path):
    rows = [["c", *ROWS[2]], ["./a.png", *ROWS[0]], ["b.png", *ROWS[1]], ["stray.png", *ROWS[1]]]
    data = clip(tmp_path, table(["item", *NAMES], rows))
    np.testing.assert_array_equal(data.predictions["clip"][:3], ROWS[:3])
    assert np.isnan(data.predictions["clip"][3]).all()
    told = " ".join(data.notes)
    assert "1 row left out, of items that the data do not have (such as 'stray.png' in line 5)" in told
    assert "1 of 4 items has no prediction 'clip'" in told
    assert "without the extension" in told


def test_empty_rows_are_no_prediction(tmp_path):
    data = clip(tmp_path, table(["item", *NAMES], [*WIDE[:3], ["img/d.png", "", "nan", ""]]))
    np.testing.assert_array_equal(np.isnan(data.predictions["clip"]).all(axis=1), [False] * 3 + [True])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_keep_their_bits(dtype, tmp_path):
    rows = stream("rows").dirichlet(np.ones(3), 4).astype(dtype)
    np.save(tmp_path / "clip.npy", rows)
    found = clip(tmp_path, file="clip.npy").predictions["clip"]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, rows)


def test_rows_without_items_are_taken_in_order_and_told(tmp_path):
    np.save(tmp_path / "clip.npy", ROWS)
    notes = " ".join(clip(tmp_path, file="clip.npy").notes)
    assert "rows are taken for the items in the order of the data, 'img/a.png' first and 'img/d.png'" in notes
    index = table(["", *NAMES], [[number, *row] for number, row in enumerate(ROWS.tolist())])
    np.testing.assert_array_equal(clip(tmp_path, index).predictions["clip"], ROWS)
    bare = {name: array for name, array in GIVEN.items() if name != "item_ids"}
    numbered = table(["item", *NAMES], [[number, *ROWS[number]] for number in (2, 0, 1, 3)])
    np.testing.assert_array_equal(clip(tmp_path, numbered, bare).predictions["clip"], ROWS)


@pytest.mark.parametrize("array", ["predictions", "probs", "anything"])
def test_an_archive_may_name_items_and_classes(array, tmp_path):
    names = {"item_ids": np.array(IDS[::-1]), "class_names": np.array([b"eel", b"cat", b"dog"])}
    np.savez(tmp_path / "clip.npz", **{array: ROWS[::-1, [2, 0, 1]]}, **names)
    data = clip(tmp_path, file="clip.npz")
    np.testing.assert_array_equal(data.predictions["clip"], ROWS)
    assert data.notes == ()


def test_arrays_of_the_data_themselves(tmp_path):
    data = load(tmp_path, GIVEN | {"predictions": ROWS, "predictions_old": ROWS[::-1]})
    np.testing.assert_array_equal(data.predictions["predictions"], ROWS)
    np.testing.assert_array_equal(data.predictions["old"], ROWS[::-1])
    np.save(tmp_path / "old.npy", ROWS)
    with pytest.raises(DataError, match=r"array of predictions 'old', and .*old\.npy; give one"):
        load(tmp_path, GIVEN | {"predictions_old": ROWS}, predictions=str(tmp_path / "old.npy"))


def test_one_file_is_called_by_its_stem_and_lies_beside_the_data(tmp_path, monkeypatch):
    np.save(tmp_path / "clip.npy", ROWS)
    assert list(load(tmp_path, predictions="clip.npy").predictions) == ["clip"]
    (tmp_path / "elsewhere").mkdir()
    np.save(tmp_path / "elsewhere" / "clip.npy", ROWS[::-1])
    monkeypatch.chdir(tmp_path / "elsewhere")
    choice = {"name": "npz", "path": str(tmp_path / "mine.npz"), "predictions": "clip.npy"}
    here = DATASETS.parse(choice)
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(here.load().predictions["clip"], ROWS[::-1])
    assert DATASETS.parse(here.dump()) == here


def test_rounded_rows_are_renormalised_and_percentages_told(tmp_path):
    rounded = ROWS + np.array([0.009, 0, 0])
    np.save(tmp_path / "clip.npy", rounded)
    found = clip(tmp_path, file="clip.npy")
    np.testing.assert_allclose(found.predictions["clip"], rounded / 1.009, rtol=1e-14)
    np.save(tmp_path / "clip.npy", 100 * ROWS)
    found = clip(tmp_path, file="clip.npy")
    np.testing.assert_allclose(found.predictions["clip"], ROWS, rtol=1e-14)
    assert any("taken for percentages" in note for note in found.notes)
    text = table(["item", *NAMES], [[name, *(f"{100 * p}%" for p in row)] for name, *row in WIDE])
    np.testing.assert_allclose(clip(tmp_path, text).predictions["clip"], ROWS, rtol=1e-14)
    comma = table(["item", *NAMES], [[n, *(str(p).replace(".", ",") for p in r)] for n, *r in WIDE], ";")
    np.testing.assert_array_equal(clip(tmp_path, comma).predictions["clip"], ROWS)


BAD = {
    "logits": (np.log(ROWS) + 2, r"row 0.*as logits do; save probabilities: scipy\.special\.softmax"),
    "logs": (np.log(ROWS), r"holds -2\.303 in row 0, as logarithms of probabilities do; .*numpy\.exp"),
    "scores": (ROWS + np.array([[0], [0], [0.3], [0]]), r"in row 2, which sums to 1\.9 and not to 1"),
    "infinite": (ROWS + np.array([[0], [np.inf], [0], [0]]), "infinite number in row 1"),
    "partly": (np.where(ROWS == 0.75, np.nan, ROWS), "no number for a class in row 1"),
    "nothing": (np.full((4, 3), np.nan), "holds no prediction"),
    "classes": (ROWS[:, :2], r"has 2 columns where there are 3 classes \('cat', 'dog', 'eel'\)"),
    "rows": (ROWS[:3], "has 3 rows where there are 4 items, and does not name their items"),
    "class alone": (LABELS, r"shape \(4,\).*probability of every class"),
    "text": (np.array([["a", "b", "c"]] * 4), "and no numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_probabilities_is_refused_by_what_it_seems(case, tmp_path):
    array, words = BAD[case]
    np.save(tmp_path / "clip.npy", array)
    with pytest.raises(DataError, match=words) as caught:
        clip(tmp_path, file="clip.npy")
    assert "clip.npy" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table(["item", "cat", "dog"], [[*row[:3]] for row in WIDE]), "no column for 'eel'"),
        (table(["item", "x", "y"], [[*row[:3]] for row in WIDE]), "'x', 'y' for columns, where there are 3"),
        (table(["item", *NAMES], [*WIDE, WIDE[1]]), r"two predictions for 'img/b\.png', in line 3 .* line 6"),
        (table(["item", *NAMES], [*WIDE, ["b", *ROWS[1]]]), r"two predictions for 'img/b\.png'"),
        (table(["item", *NAMES], [["a.png", 0.5, "O.5", 0]]), r"'O\.5' in line 2, column 'dog'"),
        (table(["item", *NAMES], [["a.png", 0.5, 0.9, 0]]), r"line 2 \(item 'a\.png'\), which sums to 1\.4"),
        (table(["item", *NAMES], [["x", 1, 0, 0]]), r"1 of its 1 item is not among the items \(such as 'x'"),
        (
            table(["item", *[f"{end}{name}" for end in ("p_", "q_") for name in NAMES]], []),
            "several columns a class, such as 'p_cat' and 'q_cat'",
        ),
        (
            table(["item", "class", "probability"], [("a.png", "cta", 1)]),
            "class 'cta' in line 2, which the data do not have",
        ),
        (
            table(["item", "class", "probability"], [("a.png", "cat", 1), ("a.png", "cat", 0.5)]),
            r"class 'cat' of item 'a\.png' two probabilities, in lines 2 and 3",
        ),
        ("", "is empty"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(text, words, tmp_path):
    with pytest.raises(DataError, match=words) as caught:
        clip(tmp_path, text)
    assert "clip.csv" in str(caught.value)


def test_files_that_are_not_there_or_hold_objects_are_told(tmp_path):
    with pytest.raises(DataError, match=r"clip\.npy does not exist; correct `predictions` \('clip'\)"):
        load(tmp_path, predictions="clip.npy")
    np.save(tmp_path / "clip.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        load(tmp_path, predictions="clip.npy")
    np.savez(tmp_path / "two.npz", a=ROWS, b=ROWS)
    with pytest.raises(DataError, match=r"two\.npz has no array `predictions`, but a, b"):
        load(tmp_path, predictions="two.npz")
    with pytest.raises(ValueError, match=r"predictions: 'a \+ b' is no name"):
        load(tmp_path, predictions={"a + b": "clip.npy"})


def test_items_that_are_left_out_take_their_predictions_along(tmp_path):
    labels = np.array([0, -1, 2, 0])
    data = load(tmp_path, GIVEN | {"labels": labels, "predictions_clip": ROWS})
    np.testing.assert_array_equal(data.predictions["clip"], ROWS[[0, 2, 3]])
    assert list(data.item_ids) == [IDS[0], IDS[2], IDS[3]]


def test_a_summary_says_how_good_they_seem(tmp_path):
    good = load(tmp_path, GIVEN | {"predictions_clip": ROWS}).summary()
    assert "Own model 'clip': its likeliest class is the label of 100.0% of 4 items; what" in good
    mixed = load(tmp_path, GIVEN | {"predictions_clip": ROWS[:, [2, 1, 0]]}).summary()
    assert "25.0% of 4 items, no more than the most frequent label is: check the order" in mixed


def test_a_folder_of_images_has_them_too(tmp_path):
    from PIL import Image

    (tmp_path / "images").mkdir()
    for name in "abcd":
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "images" / f"{name}.png")
    answers = [
        (f"{name}.png", who, label) for name, label in zip("abcd", "xyxy", strict=True) for who in "12"
    ]
    (tmp_path / "annotations.csv").write_text(table(["item", "annotator", "label"], answers))
    rows = [(f"up/{name}.png", 0.25, 0.75) for name in "dcba"]
    (tmp_path / "clip.csv").write_text(table(["item", "y", "x"], rows))
    choice = {"name": "folder", "path": str(tmp_path / "images"), "predictions": "clip.csv"}
    found = DATASETS.parse(choice).load().predictions["clip"]
    np.testing.assert_array_equal(found, [[0.75, 0.25]] * 4)
