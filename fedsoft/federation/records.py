"""Between tensors and Flower's records."""

import io
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from flwr import app
from flwr.app import MetricRecord

from fedsoft.training import Parameters

_name = lru_cache(str)
"""A dtype's name, which numpy puts together anew at every call."""


class Array(app.Array):
    """An array of Flower's that keeps its values in memory, and serializes them only when asked for bytes.

    Flower's own writes its bytes when it is made and parses them at every look, which in one process
    costs as much as the training of a small model. On the wire objects are known by their class's name,
    which therefore is Flower's.
    """

    def __init__(self, array: np.ndarray) -> None:
        self.__dict__.update(dtype=_name(array.dtype), shape=array.shape, stype="numpy.ndarray", _array=array)

    @property
    def data(self) -> bytes:
        """The bytes that `numpy.save` writes."""
        buffer = io.BytesIO()
        np.save(buffer, self.__dict__["_array"], allow_pickle=False)
        return buffer.getvalue()

    def numpy(self) -> np.ndarray:
        """The values themselves; whoever changes them must copy them first."""
        array: np.ndarray = self.__dict__["_array"]
        return array


class ArrayRecord(app.ArrayRecord):
    """A record that can be emptied in no time. Its class has Flower's name for the reason above.

    Flower's own collects the garbage of the whole process after each record that a strategy empties, as its
    Bulyan and QFedAvg do with every reply: two seconds a round for 20 clients.
    """

    def to_numpy_ndarrays(self, *, keep_input: bool = True) -> list[np.ndarray]:
        """The arrays in order; copies where the record is emptied, since who empties it may change them."""
        arrays = [array.numpy() for array in self.values()]
        if keep_input:
            return arrays
        self.clear()
        return [array.copy() for array in arrays]


class RecordDict(app.RecordDict):
    """A dictionary of records that finds those of one kind without copying them into a checked one.

    Strategies look for them four times a reply. Its class has Flower's name for the reason above.
    """

    @property
    def array_records(self) -> dict[str, app.ArrayRecord]:
        """The array records."""
        return {key: record for key, record in self.items() if isinstance(record, app.ArrayRecord)}

    @property
    def metric_records(self) -> dict[str, MetricRecord]:
        """The metric records."""
        return {key: record for key, record in self.items() if isinstance(record, MetricRecord)}


def to_record(arrays: Mapping[str, np.ndarray]) -> ArrayRecord:
    """Named arrays as a record that shares their memory."""
    record = ArrayRecord()
    for name, array in arrays.items():
        record[name] = Array(np.asarray(array, order="C"))
    return record


def to_arrays(record: app.ArrayRecord) -> dict[str, np.ndarray]:
    """A record as float32 arrays: some of Flower's strategies return float64."""
    return {name: array.numpy().astype(np.float32, copy=False) for name, array in record.items()}


def to_parameters(arrays: Mapping[str, np.ndarray], device: torch.device) -> Parameters:
    """Copies of arrays as tensors on a device."""
    return {name: torch.tensor(np.asarray(a, order="C"), device=device) for name, a in arrays.items()}
