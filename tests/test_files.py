"""Files are written whole or not at all, and never unpickled."""

import contextlib
import csv
import math
import os
import pickle
import zipfile

import numpy as np
import pytest

from fedsoft.errors import StoreError
from fedsoft.files import read_json, read_npz, write_bytes, write_csv, write_json, write_npz, write_text
from fedsoft.streams import stream


def broken(*_):
    raise OSError("disk full")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "result"
    write_bytes(file, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", broken)
        with pytest.raises(StoreError, match=r"result cannot be written"):
            write_bytes(file, b"new")
    with pytest.raises(TypeError):
        write_bytes(file, "not bytes")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_reader_never_sees_a_part(tmp_path, monkeypatch):
    file, seen = tmp_path / "result", []
    write_bytes(file, b"old")
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (seen.append(file.read_bytes()), replace(*paths)))
    write_bytes(file, b"new")
    assert (seen, file.read_bytes()) == ([b"old"], b"new")


def test_folders_are_made_and_others_may_read(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.txt", "é\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_text(encoding="utf-8") == "é\n"
    assert (tmp_path / "a" / "b" / "c.txt").stat().st_mode & 0o777 == 0o644


def test_json_keeps_what_is_undefined(tmp_path):
    write_json(tmp_path / "x.json", {"a": [1, math.inf, None], "b": math.nan})
    back = read_json(tmp_path / "x.json")
    assert back["a"] == [1, math.inf, None]
    assert math.isnan(back["b"])


def test_json_that_is_missing_or_damaged(tmp_path):
    with pytest.raises(StoreError, match=r"x\.json does not exist"):
        read_json(tmp_path / "x.json")
    for content in (b'{"a": ', b"\xff\xfe"):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(StoreError, match=r"x\.json is not valid JSON .*; delete it and run again"):
            read_json(tmp_path / "x.json")


def test_csv_quotes_what_needs_it(tmp_path):
    write_csv(tmp_path / "x.csv", ("name", "value"), [("a, b", 0.5), ('"c"\n', None)])
    with (tmp_path / "x.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["name", "value"], ["a, b", "0.5"], ['"c"\n', ""]]


def test_arrays_round_trip(tmp_path):
    arrays = {
        "model/layer0.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "names": np.array(["a", "bb"]),
        "nothing": np.empty((0, 3)),
        "number": np.array(0.5),
        "undefined": np.array([np.nan, np.inf]),
        "by column": np.asfortranarray(np.arange(6).reshape(2, 3)),
    }
    write_npz(tmp_path / "x.npz", arrays)
    back = read_npz(tmp_path / "x.npz")
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape)


def test_objects_are_not_written(tmp_path):
    with pytest.raises(StoreError, match=r"x\.npz: cannot store Python objects \(b\)"):
        write_npz(tmp_path / "x.npz", {"a": np.ones(2), "b": np.array([None, {}])})
    assert not list(tmp_path.iterdir())


def test_objects_are_not_read_and_the_array_is_named(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.ones(2), b=np.array([None, {}], dtype=object))
    with pytest.raises(StoreError, match=r"x\.npz: array 'b' holds pickled Python objects"):
        read_npz(tmp_path / "x.npz")


def test_a_missing_file(tmp_path):
    with pytest.raises(StoreError, match=r"x\.npz does not exist"):
        read_npz(tmp_path / "x.npz")


def test_what_is_no_npz_file(tmp_path):
    np.save(tmp_path / "bare.npy", np.ones(3))
    with zipfile.ZipFile(tmp_path / "text.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    (tmp_path / "objects.pickle").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir()
    for file in tmp_path.iterdir():
        with pytest.raises(StoreError, match="damaged or not an"):
            read_npz(file)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_damage_anywhere_is_an_error_or_harmless(save, tmp_path):
    arrays = {"a": np.arange(120.0).reshape(4, 30), "b": np.array(["x", "yy"])}
    file, rng = tmp_path / "x.npz", stream("damage")
    save(file, **arrays)
    whole = file.read_bytes()
    flipped = [
        whole[:at] + bytes([whole[at] ^ int(rng.integers(1, 256))]) + whole[at + 1 :]
        for at in range(len(whole))
    ]
    for content in [*flipped, *(whole[:end] for end in range(0, len(whole), 7))]:
        file.write_bytes(content)
        with contextlib.suppress(StoreError):
            back = read_npz(file)  # only a date or a name changed
            for array, known in zip(back.values(), arrays.values(), strict=False):
                np.testing.assert_array_equal(array, known)
