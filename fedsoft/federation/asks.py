"""What a strategy asks of single clients, and what clients tell it besides their models.

A message holds the global model (``arrays``), what all clients are told (``config``), and, where a strategy
asks for it, records of its own. A reply holds a model and metrics, as Flower's strategies want it.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord

from fedsoft.federation.records import RecordDict, to_arrays, to_record

CORRECTION = "correction"
"""Record of arrays, like the model's: added to every gradient of the client."""
ANCHOR = "anchor"
"""Key of the config: share, in [0, 1), of the global model's predictions in the client's targets."""
SLIP = "slip"
"""Key of the config: how often, in [0, 1), the client's labels are held to slip to another class."""
SLIPS = "slips"
"""Key of the config, beside `SLIP`: what the client makes of it. ``posterior``: its targets become the
posterior of the true class; ``forward``: its loss is of predictions that slip as its labels do."""
REPORT = "report"
"""Key of the config: what the client tells besides, by the names in `fedsoft.federation.reports`, separated
by spaces."""
CALIBRATION, CALIBRATION_BETA, SIMILARITY = "calibration", "calibration-beta", "similarity"
"""Keys of the config: the parts of `fedsoft.training.Calibration`."""
UPDATE_CLIP = "update-clip"
"""Key of the config: the norm that clients clip their updates to; they send these in place of models."""
EXAMPLE_CLIP, EXAMPLE_NOISE, EXAMPLE_SAMPLING = "example-clip", "example-noise", "example-sampling"
"""Keys of the config: the norm that clients clip the gradient of each example to, the noise on their sum as
a multiple of it, and how batches are drawn, as `fedsoft.privacy.DpSgd` has it."""
OWN = (ANCHOR, SLIP, UPDATE_CLIP, EXAMPLE_NOISE)
"""Keys of the config whose value may differ from client to client."""
PROXIMAL = "proximal-mu"
"""Key of the config, Flower's own: the pull towards the global model."""


_itemsize = lru_cache(lambda name: np.dtype(name).itemsize)
"""Bytes of a number of a dtype."""


def attach(message: Message, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a message to a client a record of arrays."""
    _give(message, name, to_record(arrays))


def tell(message: Message, **values: float | str) -> None:
    """Give a message to a client entries of its config, of its own."""
    config = ConfigRecord(dict(message.content["config"]))
    for key, value in values.items():
        config[key.replace("_", "-")] = value
    _give(message, "config", config)


def _give(message: Message, name: str, record: ArrayRecord | ConfigRecord) -> None:
    """Give one message a record, in a content of its own."""
    message.content = RecordDict({**message.content, name: record})


def attached(message: Message, name: str) -> dict[str, np.ndarray] | None:
    """A record of arrays that a message holds; None without."""
    record = message.content.get(name)
    return to_arrays(record) if isinstance(record, ArrayRecord) else None


def told(reply: Message, name: str) -> np.ndarray:
    """What a client tells besides, (n,) numbers."""
    metrics: MetricRecord = reply.content["metrics"]
    return np.atleast_1d(np.asarray(metrics[name], dtype=float))


def partitions(replies: Sequence[Message]) -> list[int]:
    """The partitions of replies."""
    return [int(reply.content["metrics"]["partition-id"]) for reply in replies]


def size_of(message: Message) -> int:
    """Bytes of arrays, and of lists of numbers, in a message."""
    total = 0
    for record in message.content.values():
        if isinstance(record, ArrayRecord):
            total += sum(math.prod(array.shape) * _itemsize(array.dtype) for array in record.values())
        else:
            total += sum(8 * len(value) for value in record.values() if isinstance(value, list))
    return total
