import numpy as np
import pytest

from fedsoft.errors import DataError

HEAD = "item,annotator,label,weight\n"


def test_rows_of_a_person_and_item_are_one_soft_answer(answers, rows):
    a = answers(f"{HEAD}a,ann,cat,3\na,bob,cat,1\na,ann,dog,1\nb,ann,dog,2\n")
    assert rows(a) == [
        ("a", "ann", "cat", 0.75),
        ("a", "ann", "dog", 0.25),
        ("a", "bob", "cat", 1.0),
        ("b", "ann", "dog", 1.0),
    ]
    assert "1 soft answer of several rows" in " ".join(a.told)
    assert "weights above 1 are no confidences" in " ".join(a.told)
    assert a.repeated.shape == (0, 4)


def test_one_row_below_one_is_a_confidence(answers, rows):
    a = answers(f"{HEAD}a,ann,cat,0.7\nb,ann,dog,1\nc,bob,cow,0.4\n")
    assert rows(a) == [
        ("a", "ann", "cat", 0.7),
        ("a", "ann", "cow", 0.15),
        ("a", "ann", "dog", 0.15),
        ("b", "ann", "dog", 1.0),
        ("c", "bob", "cat", 0.3),
        ("c", "bob", "cow", 0.4),
        ("c", "bob", "dog", 0.3),
    ]
    np.testing.assert_array_equal(a.numbers, [2, 2, 2, 3, 4, 4, 4])
    assert "2 answers of one class with a confidence below 1" in " ".join(a.told)


def test_weights_of_one_are_no_weights(answers):
    assert answers(f"{HEAD}a,ann,cat,1\nb,bob,dog,1\n").weight is None
    assert answers(f"{HEAD}a,ann,cat,100\nb,bob,dog,0.5\n").weight is None


def test_without_people_an_item_has_one_soft_answer(answers, rows):
    a = answers("item,label,share\na,cat,2\na,dog,1\na,cat,1\nb,dog,7\n")
    assert rows(a) == [
        ("a", None, "cat", 0.25),
        ("a", None, "cat", 0.5),
        ("a", None, "dog", 0.25),
        ("b", None, "dog", 1.0),
    ]


def test_a_class_that_recurs_begins_another_answer(answers, rows):
    a = answers(f"{HEAD}a,ann,cat,.9\na,ann,dog,.1\na,ann,dog,.8\na,ann,cat,.2\na,bob,cat,1\n")
    assert rows(a) == [("a", "ann", "cat", 0.2), ("a", "ann", "dog", 0.8), ("a", "bob", "cat", 1.0)]
    np.testing.assert_array_equal(a.repeated, [[0, 0, 0, 1]])
    first = answers(f"{HEAD}a,ann,cat,.9\na,ann,cat,.6\nb,ann,dog,1\n", repeated="first")
    assert rows(first)[:2] == [("a", "ann", "cat", 0.9), ("a", "ann", "dog", 0.1)]


def test_shares_of_what_is_no_class_are_left_out(answers, rows):
    a = answers(f"{HEAD}a,ann,cat,.5\na,ann,idk,.5\nb,ann,dog,1\n", no_answer=("idk",))
    assert rows(a)[0] == ("a", "ann", "cat", 0.5)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("b,ann,cat,-1", r"no valid weight in line 3 \(b\)"),
        ("b,ann,cat,", r"no valid weight in line 3 \(b\)"),
        ("b,ann,cat,nan", r"no valid weight in line 3 \(b\)"),
        ("b,ann,cat,inf", r"no valid weight in line 3 \(b\)"),
        ("b,ann,cat,0\nb,ann,dog,0", r"weights of 0 alone in lines 3 \(b\), 4 \(b\)"),
    ],
)
def test_weights_that_are_none_are_named(row, words, answers):
    with pytest.raises(DataError, match=words):
        answers(f"{HEAD}a,ann,dog,1\n{row}\n")


def test_every_answer_sums_to_one(answers):
    rng = np.random.Generator(np.random.PCG64(0))
    lines = "".join(
        f"p{i},w{p},c{c},{rng.random() + 0.01}\n"
        for i in range(9)
        for p in range(4)
        for c in range(1 + (i + p) % 5)
    )
    a = answers(HEAD + lines)
    sums = np.zeros((9, 4))
    np.add.at(sums, (a.item, a.annotator), a.weight)
    np.testing.assert_allclose(sums, 1)


def test_what_has_no_share_is_no_part_of_an_answer(answers, rows):
    a = answers(f"{HEAD}a,ann,cat,1\na,ann,dog,0\nb,bob,dog,1\nb,bob,cat,0\n")
    assert rows(a) == [("a", "ann", "cat"), ("b", "bob", "dog")]
