"""A model's parameters as one row, for servers that calculate with models as with vectors."""

import math

import numpy as np
from flwr.app import ArrayRecord


def flatten(record: ArrayRecord) -> np.ndarray:
    """A record's arrays, one after the other, as one row (P,) of float32."""
    arrays = [array.numpy().ravel() for array in record.values()]
    return np.concatenate(arrays, dtype=np.float32, casting="same_kind")


def views(row: np.ndarray, like: ArrayRecord) -> dict[str, np.ndarray]:
    """A row (P,) as arrays of the names and shapes of a record; they share its memory."""
    found, start = {}, 0
    for name, array in like.items():
        end = start + math.prod(array.shape)
        found[name] = row[start:end].reshape(array.shape)
        start = end
    return found
