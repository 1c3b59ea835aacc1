"""Between tensors and Flower's records."""

import pickle

import numpy as np
import torch
from flwr.app import Array, ArrayRecord

from fedsoft.federation.records import to_arrays, to_parameters, to_record


def test_arrays_round_trip_bitwise():
    arrays = {
        "b": np.array([[0.1, np.nan], [np.inf, -0.0]], dtype=np.float32),
        "a": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "number": np.array(2.5, dtype=np.float32),
        "empty": np.empty((0, 3), dtype=np.float32),
    }
    back = to_arrays(to_record(arrays))
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_float64_comes_back_as_float32():
    assert to_arrays(to_record({"a": np.array([0.1])}))["a"].dtype == np.float32


def test_parameters_are_on_the_device():
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3).T}
    here = to_parameters(arrays, torch.device("cpu"))["a"]
    torch.testing.assert_close(here, torch.tensor([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]))
    assert to_parameters(arrays, torch.device("meta"))["a"].device.type == "meta"


def test_an_update_in_place_leaves_the_record():
    record = to_record({"a": np.ones(2, np.float32)})
    to_parameters(to_arrays(record), torch.device("cpu"))["a"].zero_()
    np.testing.assert_array_equal(record["a"].numpy(), [1, 1])


def test_a_record_is_emptied_as_flowers_own():
    """Its arrays can be changed then, and nobody else's are."""
    arrays = {"a": np.ones(2, np.float32), "b": np.zeros((1, 2), np.float32)}
    ours, flowers = to_record(arrays), ArrayRecord({name: Array(array) for name, array in arrays.items()})
    assert ours.object_id == flowers.object_id
    for record in (ours, flowers):
        kept = record.to_numpy_ndarrays()
        taken = record.to_numpy_ndarrays(keep_input=False)
        assert [array.tolist() for array in taken] == [array.tolist() for array in kept] == [[1, 1], [[0, 0]]]
        assert len(record) == 0
        taken[0] += 1
    assert arrays["a"].tolist() == [1, 1]


def test_a_view_serializes_as_flowers_own_array():
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    view, flowers = to_record({"a": array})["a"], Array(array)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(view)).numpy(), array)
    assert (view.dtype, view.shape, view.stype) == (flowers.dtype, flowers.shape, flowers.stype)
    assert view.data == flowers.data
    assert view.object_id == flowers.object_id
