import os

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
        (ROWS, "image,annotator,label", "no column 'item'"),
        ([*ROWS, "a.png,,cat"], "item,annotator,label", "no annotator in line 7"),
        ([*ROWS, "c.png,ann,cat"], "item,annotator,label", r"c\.png does not exist"),
        ([*ROWS, "annotations.csv,ann,cat"], "item,annotator,label", "not a readable image"),
        ([*ROWS, "a\0b.png,ann,cat"], "item,annotator,label", "not a readable image"),
        ([*ROWS, "pipe,ann,cat"], "item,annotator,label", "pipe is not a file"),
        ([], "item,annotator,label", "no annotation"),
        (["a.png,ann,cat"], "item,annotator,label", "knows 1 class"),
    ],
)
def test_a_bad_table_says_where(rows, header, words, pictures):
    os.mkfifo(pictures / "pipe")
    write(pictures, rows, header)
    with pytest.raises(DataError, match=words):
        load(pictures)


def test_a_table_in_another_encoding_says_so(pictures):
    (pictures / "annotations.csv").write_bytes("item,annotator,label\na.png,Jörg,cat\n".encode("latin-1"))
    with pytest.raises(DataError, match="not a UTF-8 CSV file"):
        load(pictures)


def test_an_item_without_its_own_label_says_so(pictures):
    write(pictures, ["a.png,dog"], "item,label", "labels.csv")
    with pytest.raises(DataError, match=r"no label for the annotated item 'b\.png'"):
        load(pictures, labels="labels.csv")


def test_missing_files_are_told_before_loading(pictures):
    def missing(**options):
        return DATASETS.parse({"name": "folder", "path": str(pictures), **options}).missing()

    assert missing() is None
    assert "is not a folder" in missing(path=str(pictures / "none"))
    assert "correct `annotations`" in missing(annotations="none.csv")
    assert "correct `labels`" in missing(labels="none.csv")


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
