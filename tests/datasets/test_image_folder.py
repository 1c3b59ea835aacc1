import numpy as np
import pytest
from PIL import Image

from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError

ROWS = ["a.png,ann,cat", "b.png,ann,dog", "a.png,bob,dog", "b.png,cem,dog", "a.png,cem,cat"]


@pytest.fixture
def pictures(tmp_path):
    """Two plain pictures, red and blue, of different sizes, and a table of five annotations."""
    Image.new("RGB", (20, 10), (255, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (7, 9), (0, 0, 255)).save(tmp_path / "b.png")
    write(tmp_path, ROWS)
    return tmp_path


def write(folder, rows, header="item,annotator,label", file="annotations.csv"):
    (folder / file).write_text("\n".join([header, *rows]) + "\n")


def load(folder, **options):
    return DATASETS.parse({"name": "folder", "path": str(folder), **options}).load()


def test_votes_and_single_annotations(pictures):
    data = load(pictures)
    assert data.class_names == ("cat", "dog")
    np.testing.assert_array_equal(data.votes, [[2, 1], [0, 2]])
    np.testing.assert_array_equal(data.labels, [0, 1])
    assert list(data.item_ids) == ["a.png", "b.png"]
    a = data.annotations
    told = zip(
        data.item_ids[a.item], a.annotator_ids[a.annotator], np.array(data.class_names)[a.label], strict=True
    )
    assert sorted(",".join(row) for row in told) == sorted(ROWS)


def test_images_are_resized_in_colour(pictures):
    data = load(pictures, size=6)
    assert (data.inputs.shape, data.inputs.dtype) == ((2, 6, 6, 3), np.uint8)
    assert (data.inputs[0] == [255, 0, 0]).all()
    assert (data.inputs[1] == [0, 0, 255]).all()


def test_own_labels_may_differ_from_the_majority(pictures):
    write(pictures, ["b.png,cat", "a.png,dog"], "item,label", "labels.csv")
    data = load(pictures, labels="labels.csv")
    np.testing.assert_array_equal(data.labels, [1, 0])
    np.testing.assert_array_equal(data.votes.argmax(axis=1), [0, 1])


def test_columns_may_come_in_any_order_with_others(pictures):
    write(pictures, ["1,cat,ann,a.png", "2,dog,ann,b.png"], "seconds,label,annotator,item")
    np.testing.assert_array_equal(load(pictures).votes, [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        (ROWS, "thing,annotator,label", "thing"),
        ([*ROWS, "a.png,,cat"], "item,annotator,label", r"does not say who answered in line 7 \(a.png\)"),
        (["x.png,ann,cat", "y.png,ann,dog", "a.png,ann,cat"], "item,annotator,label", "'x.png' in line 2"),
        ([], "item,annotator,label", "holds no answer"),
        (["a.png,ann,cat", "b.png,ann,cat"], "item,annotator,label", "one class"),
    ],
)
def test_a_bad_table_says_where(rows, header, words, pictures):
    write(pictures, rows, header)
    with pytest.raises(DataError, match=words):
        load(pictures)


def test_an_unreadable_image_is_named(pictures):
    (pictures / "b.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"b\.png"):
        load(pictures)


def test_answers_to_images_that_are_not_there_are_left_out_and_told(pictures):
    write(pictures, [*ROWS, "c.png,ann,cat"])
    data = load(pictures)
    assert list(data.item_ids) == ["a.png", "b.png"]
    assert "1 of the 3 items" in data.summary()
    assert "'c.png' in line 7" in data.summary()


def test_an_item_without_its_own_label_trains_with_the_majority(pictures):
    Image.new("RGB", (5, 5)).save(pictures / "c.png")
    write(pictures, ["a.png,dog", "c.png,dog"], "item,label", "labels.csv")
    data = load(pictures, labels="labels.csv")
    assert [data.class_names[c] for c in data.labels] == ["dog"] * 3
    assert list(data.labelled) == [True, False, True]
    assert list(data.testable) == [True, False, False]  # c.png was answered by nobody


def test_two_labels_for_one_item_are_an_error_that_names_both(pictures):
    write(pictures, ["a.png,dog", "b.png,dog", "a.png,cat"], "item,label", "labels.csv")
    with pytest.raises(DataError, match=r"'a\.png' is 'dog' in line 2 and 'cat' in line 4"):
        load(pictures, labels="labels.csv")


def test_answers_may_lie_beside_the_folder_or_in_the_current_one(pictures, tmp_path, monkeypatch):
    inside = tmp_path / "images"
    inside.mkdir()
    for name in ("a.png", "b.png"):
        (tmp_path / name).rename(inside / name)
    assert len(load(inside)) == 2
    (tmp_path / "annotations.csv").rename(tmp_path / "said.csv")
    assert len(load(inside, annotations="../said.csv")) == 2
    assert len(load(inside, annotations="said.csv")) == 2
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "said.csv").rename(tmp_path / "elsewhere/said.csv")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert len(load(inside, annotations="said.csv")) == 2


def test_subfolders_and_names_without_extension_are_found(pictures):
    (pictures / "north").mkdir()
    (pictures / "a.png").rename(pictures / "north/a.png")
    write(pictures, [row.replace(".png", "") for row in ROWS])
    data = load(pictures)
    assert list(data.item_ids) == ["b.png", "north/a.png"]
    np.testing.assert_array_equal(data.votes, [[0, 2], [2, 1]])


def test_subfolders_may_be_the_labels(pictures):
    for name, label in (("a.png", "dog"), ("b.png", "cat")):
        (pictures / label).mkdir()
        (pictures / name).rename(pictures / label / name)
    data = load(pictures, labels="subfolders")
    assert [data.class_names[c] for c in data.labels] == ["cat", "dog"]
    assert list(data.item_ids) == ["cat/b.png", "dog/a.png"]
    (pictures / "annotations.csv").unlink()
    assert load(pictures, labels="subfolders").votes is None
    choice = DATASETS.parse({"name": "folder", "path": str(pictures), "labels": "subfolders"})
    before = choice.fingerprint()
    (pictures / "dog/a.png").rename(
        pictures / "cat/z.png"
    )  # another label, the same images in the same order
    assert choice.fingerprint() != before


def test_what_was_odd_in_labels_is_told_without_answers_too(pictures):
    (pictures / "annotations.csv").unlink()
    Image.new("RGB", (5, 5)).save(pictures / "unused.png")
    write(pictures, ["a.png,dog", "b.png,cat", "gone.png,cat"], "item,label", "labels.csv")
    notes = load(pictures, labels="labels.csv").notes
    assert any("'gone.png' in line 4" in note for note in notes)
    assert any("1 image in" in note and "neither answer nor label" in note for note in notes)


def test_labels_by_subfolder_are_other_data_than_majorities(pictures):
    for name, label in (("a.png", "dog"), ("b.png", "cat")):
        (pictures / label).mkdir()
        (pictures / name).rename(pictures / label / name)
    write(pictures, [row.replace("a.png", "dog/a.png").replace("b.png", "cat/b.png") for row in ROWS])
    choices = [{}, {"labels": "subfolders"}]
    folder = {"name": "folder", "path": str(pictures)}
    assert len({DATASETS.parse({**folder, **options}).fingerprint() for options in choices}) == 2


def test_only_what_the_data_consist_of_counts(pictures):
    def print_of():
        return DATASETS.parse({"name": "folder", "path": str(pictures)}).fingerprint()

    before = print_of()
    (pictures / ".DS_Store").write_bytes(b"finder")
    (pictures / "notes.txt").write_text("to do")
    Image.new("RGB", (5, 5)).save(pictures / "unused.png")
    assert print_of() == before
    (pictures / "north").mkdir()
    (pictures / "a.png").rename(pictures / "north/a.png")
    moved = print_of()
    Image.new("RGB", (5, 5), (9, 9, 9)).save(pictures / "north/a.png")
    assert len({before, moved, print_of()}) == 3
    write(pictures, ROWS[1:])
    assert print_of() != moved


def test_missing_files_are_told_before_loading(pictures):
    def missing(**options):
        return DATASETS.parse({"name": "folder", "path": str(pictures), **options}).missing()

    assert missing() is None
    assert "is not a folder" in missing(path=str(pictures / "none"))
    assert "correct `annotations`" in missing(annotations="none.csv")
    assert "correct `labels`" in missing(labels="none.csv")


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b"])
def test_what_can_be_no_path_is_refused(path, pictures):
    for option in ("annotations", "labels"):
        with pytest.raises(ValueError, match=f"{option}: is no path"):
            load(pictures, **{option: path})


def test_whole_numbers_are_classes_in_the_order_of_numbers(pictures):
    write(pictures, ["a.png,1", "b.png,2", "c.png,10"], "item,label", "labels.csv")
    Image.new("RGB", (5, 5)).save(pictures / "c.png")
    write(pictures, ["a.png,ann,10", "a.png,bob,2", "b.png,ann,1", "c.png,ann,1"])
    data = load(pictures, labels="labels.csv")
    assert data.class_names == ("1", "2", "10")
    np.testing.assert_array_equal(data.votes, [[0, 1, 1], [1, 0, 0], [1, 0, 0]])
    np.testing.assert_array_equal(data.labels, [0, 1, 2])
    write(pictures, ["a.png,1x", "b.png,2", "c.png,10"], "item,label", "labels.csv")
    write(pictures, ["a.png,ann,10", "b.png,ann,2", "c.png,ann,1x"])
    assert load(pictures, labels="labels.csv").class_names == ("10", "1x", "2")
