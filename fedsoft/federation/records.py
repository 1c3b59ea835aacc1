"""Between tensors and Flower's records."""

from collections.abc import Mapping

import numpy as np
import torch
from flwr.app import Array, ArrayRecord

from fedsoft.training import Parameters


def to_record(arrays: Mapping[str, np.ndarray]) -> ArrayRecord:
    """Named arrays as a record."""
    return ArrayRecord({name: Array(np.asarray(array, order="C")) for name, array in arrays.items()})


def to_arrays(record: ArrayRecord) -> dict[str, np.ndarray]:
    """A record as float32 arrays: some of Flower's strategies return float64."""
    return {name: array.numpy().astype(np.float32, copy=False) for name, array in record.items()}


def to_parameters(arrays: Mapping[str, np.ndarray], device: torch.device) -> Parameters:
    """Arrays as tensors on a device."""
    return {name: torch.from_numpy(np.asarray(a, order="C")).to(device) for name, a in arrays.items()}
