import re
import zipfile

import numpy as np
import pytest

from fedsoft.datasets import DATASETS
from fedsoft.errors import DataError

VALID = {
    "features": np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 0.5], [3.0, 4.0]]),
    "labels": np.array([0, 1, 2, 1]),
    "votes": np.array([[2, 1, 0], [0, 3, 0], [0, 1, 2], [1, 1, 1]]),
    "class_names": np.array(["cat", "dog", "deer"]),
}
IMAGES = np.zeros((4, 5, 6, 3), dtype=np.uint8)
ANSWERS = np.array([[0, 0, 1], [1, 1, 1], [2, 1, 2], [0, 1, 2]])


def changed(array, at, value):
    array = np.array(array, dtype=float if isinstance(value, float) else None)
    array[at] = value
    return array


def load(tmp_path, **changes):
    arrays = {name: array for name, array in {**VALID, **changes}.items() if array is not None}
    np.savez_compressed(tmp_path / "mine.npz", **arrays)
    return DATASETS.parse({"name": "npz", "path": str(tmp_path / "mine.npz")}).load()


PROBLEMS = {
    "no labels": (
        {"labels": None, "votes": None},
        "`labels` is missing; add .* `votes`, or a file of answers",
    ),
    "both inputs": ({"images": IMAGES}, "`features` is there beside `images`"),
    "neither input": ({"features": None}, "`images` is missing, and so is `features`"),
    "unknown array": ({"vote": VALID["votes"]}, "`vote` is not one .*did you mean 'votes'"),
    "no rows": ({"labels": np.zeros(0, int)}, "`labels` is empty"),
    "lengths": ({"votes": VALID["votes"][:3]}, "`votes` has 3 rows where `labels` has 4"),
    "groups length": ({"groups": np.array(["a", "b"])}, "`groups` has 2 rows"),
    "scalar": ({"item_ids": np.array("a")}, "`item_ids` has no rows"),
    "groups shape": ({"groups": np.zeros((4, 2))}, r"`groups` has shape \(4, 2\)"),
    "NaN": ({"features": changed(VALID["features"], (2, 1), np.nan)}, "`features` is not finite in row 2"),
    "infinite": (
        {"features": changed(VALID["features"], (1, 0), np.inf)},
        "`features` is not finite in row 1",
    ),
    "beyond float32": ({"features": changed(VALID["features"], (3, 0), 1e300)}, "not finite in row 3"),
    "flat features": ({"features": np.zeros(4)}, r"`features` has shape \(4,\)"),
    "text features": ({"features": np.array([["a"]] * 4)}, "`features` has dtype"),
    "bright images": (
        {"features": None, "images": changed(IMAGES.astype(float), (2, 0, 0, 0), 255.5)},
        r"`images` holds brightness from 0.0 to 255.5, first in row 2; .*uint8",
    ),
    "negative images": (
        {"features": None, "images": changed(IMAGES / 255.0, (1, 0, 0, 0), -0.5)},
        "from -0.5 to 0.0, first in row 1",
    ),
    "wide images": (
        {"features": None, "images": IMAGES.astype(int) + 256},
        "from 256 to 256, first in row 0",
    ),
    "overshooting images": (
        {"features": None, "images": changed(IMAGES / 255.0, (3, 0, 0, 0), 1.02)},
        "to 1.02, neither 0 to 1 nor 0 to 255; clip",
    ),
    "yes-or-no images": ({"features": None, "images": IMAGES > 0}, "`images` has dtype bool"),
    "NaN images": ({"features": None, "images": changed(IMAGES, (3, 0, 0, 0), np.nan)}, "finite in row 3"),
    "channels first": (
        {"features": None, "images": np.zeros((4, 3, 5, 6), np.uint8)},
        r"shape \(4, 3, 5, 6\); .*images\.transpose\(0, 2, 3, 1\)",
    ),
    "two channels": ({"features": None, "images": np.zeros((4, 5, 6, 2), np.uint8)}, "1, 3 or 4 channels"),
    "flat images": ({"features": None, "images": np.zeros((4, 30), np.uint8)}, r"shape \(4, 30\)"),
    "negative votes": ({"votes": changed(VALID["votes"], (2, 0), -1)}, "`votes` holds -1 in row 2"),
    "fractional votes": (
        {"votes": changed(VALID["votes"], (1, 1), 2.5)},
        r"`votes` holds no counts, and row 1 sums to 2\.5; shares must sum to 1",
    ),
    "negative shares": ({"votes": changed(VALID["votes"] / 3, (1, 1), -0.5)}, "`votes` holds -0.5 in row 1"),
    "NaN votes": ({"votes": changed(VALID["votes"], (1, 1), np.nan)}, "`votes` is not finite in row 1"),
    "no votes": ({"votes": np.zeros((4, 3))}, "nobody answered anything; add answers"),
    "flat votes": ({"votes": np.ones(4)}, r"`votes` has shape \(4,\)"),
    "votes and names": ({"class_names": np.array(["cat", "dog"])}, "3 columns where `class_names` has 2"),
    "label too high": ({"labels": np.array([0, 1, 2, 3])}, "`labels` holds 3 in row 3; .* from 0 to 2"),
    "negative label": ({"labels": np.array([0, -2, 2, 1])}, "`labels` holds -2 in row 1"),
    "nothing known": ({"labels": np.full(4, -1), "votes": None}, "holds no label, and there are no votes"),
    "fractional label": ({"labels": np.array([0, 1, 1.5, 2])}, "`labels` holds 1.5 in row 2"),
    "text labels": (
        {"labels": np.array(["cat", "dog", "deerr", "dog"])},
        "`labels` holds 'deerr' in row 2, which is no class; .*did you mean 'deer'",
    ),
    "one-hot labels": ({"labels": np.eye(4)}, r"`labels` has shape \(4, 4\)"),
    "one class": ({"labels": np.zeros(4), "votes": None, "class_names": None}, "knows one class, '0', where"),
    "repeated name": ({"class_names": np.array(["cat", "dog", "cat"])}, "'cat' twice"),
    "names in a table": ({"class_names": np.array([["cat", "dog", "deer"]])}, r"shape \(1, 3\)"),
    "ids alone": ({"annotator_ids": np.array(["a"])}, "`annotator_ids` is there without"),
    "answer too high": ({"annotator_labels": ANSWERS + 1}, "`annotator_labels` holds 3 in row 2"),
    "answer too low": ({"annotator_labels": ANSWERS - 2}, "`annotator_labels` holds -2 in row 0"),
    "no columns of answers": (
        {"annotator_labels": np.zeros((4, 0))},
        r"`annotator_labels` has shape \(4, 0\)",
    ),
    "nobody by name": (
        {"annotator_labels": ANSWERS, "annotator_ids": np.array(["a", "", "c"])},
        "`annotator_ids` names nobody for an answer in row 0",
    ),
    "groups empty": ({"groups": np.array(["a", "b", "nan", "b"])}, "`groups` names none in row 2"),
    "labels by case": (
        {"labels": np.array(["cat", "Cat", "dog", "cat"]), "class_names": None, "votes": None},
        "`labels` holds 'Cat' and 'cat'; spell it in one way",
    ),
    "far too many classes": (
        {"labels": np.array([0, 1, 99_999, 1]), "votes": None, "class_names": None},
        "knows 100,000 classes of 4 items, which are no classes to learn",
    ),
    "groups NaN": ({"groups": np.array([0, 1, np.nan, 1])}, "`groups` names none in row 2"),
    "one person twice": (
        {"annotator_labels": ANSWERS, "annotator_ids": np.array(["a", "b", "a"])},
        "`annotator_ids` has a twice in row 0",
    ),
    "two truths": ({"annotator_labels": changed(ANSWERS, (2, 1), 2)}, "`votes` differs .* in row 2"),
    "ids of others": (
        {"annotator_labels": ANSWERS, "annotator_ids": np.array(["a", "b"])},
        r"`annotator_ids` has shape \(2,\)",
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_problem_is_one_sentence_naming_file_and_array(problem, tmp_path):
    changes, words = PROBLEMS[problem]
    with pytest.raises(DataError, match=words) as caught:
        load(tmp_path, **changes)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "mine.npz"))
    assert "; " in message
    assert message.endswith(".")
    assert "\n" not in message


def test_pickled_objects_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"mine\.npz.*pickled"):
        load(tmp_path, class_names=np.array(["cat", "dog", None], dtype=object))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(share, tmp_path):
    load(tmp_path)
    file = tmp_path / "mine.npz"
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=re.escape(str(file)) + ".*damaged"):
        DATASETS.parse({"name": "npz", "path": str(file)}).load()


def test_a_damaged_member_is_refused(tmp_path):
    load(tmp_path, features=np.arange(4000.0).reshape(4, 1000))
    file = tmp_path / "mine.npz"
    with zipfile.ZipFile(file) as archive:
        start = archive.getinfo("features.npy").header_offset
    content = bytearray(file.read_bytes())
    content[start + 60 : start + 200] = b"\xff" * 140
    file.write_bytes(content)
    with pytest.raises(DataError, match=re.escape(str(file)) + ".*damaged"):
        DATASETS.parse({"name": "npz", "path": str(file)}).load()


@pytest.mark.parametrize(
    ("dtype", "brightness", "expected"),
    [
        (np.uint8, [0, 1, 255], [0, 1, 255]),
        (np.uint16, [0, 257, 384, 386, 65535], [0, 1, 1, 2, 255]),
        (np.uint16, [0, 1, 255], [0, 1, 255]),
        (np.int64, [0, 1, 255], [0, 1, 255]),
        (np.float32, [0, 0.5, 1], [0, 128, 255]),
        (np.float64, [0, 0.4, 254.6, 255], [0, 0, 255, 255]),
        (np.float64, [0, 2.5], [0, 2]),
        (np.float16, [0, 1], [0, 255]),
    ],
)
def test_brightness_is_on_one_scale(dtype, brightness, expected, tmp_path):
    images = np.resize(np.array(brightness, dtype), (4, 5, 6, 3))
    data = load(tmp_path, features=None, images=images)
    assert data.inputs.dtype == np.uint8
    np.testing.assert_array_equal(data.inputs, np.resize(expected, (4, 5, 6, 3)))
    np.testing.assert_array_equal(
        load(tmp_path, features=None, images=images[..., 0]).inputs, data.inputs[..., :1]
    )


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_transparent_images_lie_on_white(scale, tmp_path):
    images = np.zeros((4, 5, 6, 4), np.uint8)
    images[:] = [200, 0, 100, 255]
    images[0, 0, :3, 3] = [0, 51, 204]
    shown = load(tmp_path, features=None, images=images * scale if scale < 1 else images).inputs
    assert shown.shape == (4, 5, 6, 3)
    np.testing.assert_array_equal(
        shown[0, 0, :4], [[255, 255, 255], [244, 204, 224], [211, 51, 131], [200, 0, 100]]
    )
    assert (shown[1:] == [200, 0, 100]).all()
