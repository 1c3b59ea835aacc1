"""What a strategy asks of single clients, and what clients tell it besides their models.

A message holds the global model (``arrays``), what all clients are told (``config``), and, where a strategy
asks for it, records of its own. A reply holds a model and metrics, as Flower's strategies want it.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

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
WITHIN = "within"
"""Metric of a client that clips: 1 where its update was within the norm, else 0."""
EXAMPLE_CLIP, EXAMPLE_NOISE, EXAMPLE_SAMPLING = "example-clip", "example-noise", "example-sampling"
"""Keys of the config: the norm that clients clip the gradient of each example to, the noise on their sum as
a multiple of it, and how batches are drawn, as `fedsoft.privacy.DpSgd` has it."""
OWN = (ANCHOR, SLIP, UPDATE_CLIP, EXAMPLE_NOISE)
"""Keys of the config whose value may differ from client to client."""
WHERE = ("store", "run", "device")
"""Keys of the config by which processes elsewhere find the run; what is done does not depend on them."""
ATTEMPT = "attempt"
"""Key of the config: how often the round was tried before; without it, never."""
PROXIMAL = "proximal-mu"
"""Key of the config, Flower's own: the pull towards the global model."""

SECURE = "secure-sum"
"""Record of a message, and of its reply, that says with whom a client masks its update, or what it masked."""


_itemsize = lru_cache(lambda name: np.dtype(name).itemsize)
"""Bytes of a number of a dtype."""


def attach(message: Message, name: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Give a message to a client a record of arrays."""
    give(message, name, to_record(arrays))


def tell(message: Message, **values: float | str) -> None:
    """Give a message to a client entries of its config, of its own."""
    config = ConfigRecord(dict(message.content["config"]))
    for key, value in values.items():
        config[key.replace("_", "-")] = value
    give(message, "config", config)


def give(message: Message, name: str, record: ArrayRecord | ConfigRecord) -> None:
    """Give one message a record, in a content of its own."""
    message.content = RecordDict({**message.content, name: record})


def attached(content: Mapping[str, Any], name: str) -> dict[str, np.ndarray] | None:
    """A record of arrays that the content of a message holds; None without."""
    record = content.get(name)
    return to_arrays(record) if isinstance(record, ArrayRecord) else None


def told(reply: Message, name: str) -> np.ndarray:
    """What a client tells besides, (n,) numbers."""
    metrics: MetricRecord = reply.content["metrics"]
    return np.atleast_1d(np.asarray(metrics[name], dtype=float))


def attempt_of(config: Mapping[str, Any]) -> int:
    """How often the round was tried before."""
    return int(config.get(ATTEMPT, 0))


def partitions(replies: Sequence[Message]) -> list[int]:
    """The partitions of replies."""
    return [int(reply.content["metrics"]["partition-id"]) for reply in replies]


def size_of(message: Message) -> int:
    """Bytes of arrays, of lists of numbers, and of bytes, in a message."""
    total = 0
    for record in message.content.values():
        if isinstance(record, ArrayRecord):
            total += sum(math.prod(array.shape) * _itemsize(array.dtype) for array in record.values())
        else:
            total += sum(_bytes_of(value) for value in record.values())
    return total


def _bytes_of(value: object) -> int:
    """Bytes of a list of numbers, and of bytes; the rest is not counted."""
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return sum(len(one) if isinstance(one, bytes) else 8 for one in value)
    return 0
