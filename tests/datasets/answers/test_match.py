import numpy as np
import pytest

from fedsoft.datasets.answers import match
from fedsoft.errors import DataError


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("p003.png", "p003.png"),
        ("./p003.png", "p003.png"),
        ("p003.png", "./p003.png"),
        ("cat\\p003.png", "cat/p003.png"),
        ("cat//p003.png", "cat/p003.png"),
        ("u\u0308ber.png", "\u00fcber.png"),
        ("\u00fcber.png", "u\u0308ber.png"),
        ("p003", "p003.png"),
        ("p.003", "p.003.png"),
        ("0.0", "0"),
        ("3", "3.0"),
        ("-3.00", "-3.0"),
        (" p003.png\u00ad", "p003.png"),
        ("p003.png", "p003"),
        ("p003.PNG", "p003.png"),
        ("p003.png", "p003.PNG"),
        ("p003.png", "cat/p003.png"),
        ("images/cat/p003.png", "cat/p003.png"),
        ("p003", "cat/p003.png"),
        ("P.PNG", "cat/P.png"),
        ("upload/3/1a2b3c4d-p003.png", "p003.png"),
        ("/data/upload/3/1a2b3c4d-p003.png", "cat/p003.png"),
        ("1a2b3c4d-p003.png", "p003.png"),
        ("1a2b3c4d-p003.JPG", "p003.jpg"),
        ("/data/local-files/?d=pictures/cat/p003.png", "cat/p003.png"),
        ("/data/local-files/?d=pictures%2Fcat%2Fp%20003.png", "cat/p 003.png"),
        ("http://localhost:8080/data/upload/1/1a2b3c4d-p003.png", "p003.png"),
        ("https://example.org/a/p003.png?width=3", "p003.png"),
        ("s3://bucket/cat/p003.png", "cat/p003.png"),
        ("p%C3%BC.png", "p\u00fc.png"),
        ("/home/ann/Desktop/p003.png", "p003.png"),
        ("/home/ann/Desktop/p003.png", "cat/p003.png"),
        ("C:\\Users\\Ann\\p003.png", "p003.png"),
        ("C:\\Users\\Ann\\p003.png", "dog/p003.png"),
    ],
)
def test_names_are_found(name, known):
    found, told = match([name, "elsewhere.gif"], ["other.png", known, "x/y.png"])
    np.testing.assert_array_equal(found, [1, -1])
    assert len(told) == (name != known)
    assert all(repr(name) in sentence and repr(known) in sentence for sentence in told)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("p003.png", "p003.jpg"),
        ("p003.png", "xp003.png"),
        ("train/1.png", "test/1.png"),
        ("1a2b3c4-p003.png", "p003.png"),
        ("p3.png", "p03.png"),
        ("Cat.png", "cat.png"),
        ("1.5", "1"),
        ("1.0", "1.01"),
        ("01", "1"),
    ],
)
def test_other_names_are_not(name, known):
    assert match([name], [known])[0].tolist() == [-1]


def test_the_letter_comes_first():
    assert match(["3.0", "3"], ["3", "3.0"])[0].tolist() == [1, 0]
    known = ["1a2b3c4d-a.png", "a.png", "cat/a.png", "a", "A.PNG"]
    found, told = match(known[::-1], known)
    assert found.tolist() == [4, 3, 2, 1, 0]
    assert told == ()


def test_a_name_prefers_the_longest_path():
    assert match(["/x/dog/a.png"], ["a.png", "dog/a.png", "cat/a.png"])[0].tolist() == [1]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("a", ["a.png", "a.jpg"]),
        ("a.png", ["cat/a.png", "dog/a.png"]),
        ("/x/a.png", ["cat/a.png", "dog/a.png"]),
        ("3.00", ["3", "3.0"]),
        ("./u\u0308.png", ["\u00fc.png", "u\u0308.png"]),
    ],
)
def test_a_name_that_fits_two_is_refused(name, known):
    with pytest.raises(DataError) as error:
        match([name], known)
    assert all(repr(entry) in str(error.value) for entry in (name, *known))


def test_two_names_of_one_item_are_told():
    found, told = match(["./a.png", "a.png", "b.png"], ["a.png", "b.png"])
    assert found.tolist() == [0, 0, 1]
    assert "'./a.png' and 'a.png' are both 'a.png'" in told[-1]


def test_two_foreign_folders_are_not_one_item():
    with pytest.raises(DataError, match="both have the file name"):
        match(["/x/train/1.png", "/x/test/1.png"], ["all/1.png"])
    twice = ["/data/upload/3/1a2b3c4d-1.png", "/data/upload/3/11111111-1.png"]
    assert match(twice, ["all/1.png"])[0].tolist() == [0, 0]


def test_how_many_were_matched_is_told():
    found, told = match([f"p{i:02d}" for i in range(12)], [f"p{i:02d}.png" for i in range(12)])
    assert found.tolist() == list(range(12))
    assert told == ("12 items matched without the extension ('p00' is 'p00.png').",)


def test_nothing_matches_nothing():
    assert match([], ["a"])[0].shape == (0,)
    assert match(["a"], [])[0].tolist() == [-1]
