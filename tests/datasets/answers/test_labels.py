import pytest

from fedsoft.datasets.answers import AnswerOptions, tidy
from fedsoft.errors import DataError


def test_labels_are_read_as_answers_of_nobody(labels):
    raw = labels("Image;Class\na.png;cat\nb.png;dog\n")
    a = tidy(raw, AnswerOptions())
    assert (a.items, a.class_names, a.annotators) == (("a.png", "b.png"), ("cat", "dog"), None)
    assert not any("people" in sentence for sentence in a.told)


def test_two_labels_of_one_item_are_named(labels):
    with pytest.raises(DataError, match=r"'a\.png' is 'cat' in line 2 and 'dog' in line 4; remove"):
        labels("item,label\na.png,cat\nb.png,dog\n./a.png,dog\n")


def test_the_same_label_twice_is_told(labels):
    raw = labels("item,label\na.png,cat\nb.png,dog\na.png,cat \n")
    assert raw.items == ["a.png", "b.png"]
    assert raw.numbers.tolist() == [2, 3]
    assert "1 row repeats an item's label" in " ".join(raw.told)


def test_an_empty_label_is_none(labels):
    raw = labels("item,label\na.png,\na.png,cat\nb.png,NaN\nc.png,dog\n")
    assert (raw.items, raw.classes) == (["a.png", "c.png"], ["cat", "dog"])
    assert "2 rows without a label" in " ".join(raw.told)


def test_labels_may_lie_in_json(labels):
    raw = labels([{"image": "a.png", "label": 3}, {"image": "b.png", "label": 4.0}], "labels.json")
    assert (raw.items, raw.classes) == (["a.png", "b.png"], ["3", "4"])


def test_numbers_with_and_without_decimals_are_one_label(labels):
    assert labels("item,label\na,3\na,3.0\nb,4.0\n").items == ["a", "b"]
    assert labels("item,label\n1,3\n1.0,3.0\n2,other\n").items == ["1", "2"]
    with pytest.raises(DataError, match="'1' is '3' in line 2 and '4' in line 3"):
        labels("item,label\n1,3\n1.0,4\n")
