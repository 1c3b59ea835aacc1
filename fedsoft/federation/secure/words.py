"""Numbers as whole numbers of 32 bits, whose sums modulo 2^32 are those of the numbers, up to a step."""

from collections.abc import Mapping

import numpy as np

from fedsoft.errors import EngineError
from fedsoft.privacy.secure_sum import SecureSum

METRIC_RANGE = 64.0
"""Largest magnitude of a loss, or of another metric: 64 nats an example are no training that succeeds."""


class OutsideError(EngineError):
    """A client's number does not fit its words, so that it sends none."""


def encoded(values: np.ndarray, largest: float, levels: int) -> np.ndarray:
    """Words (n,) of numbers (n,) within ±largest: multiples of ``largest / levels``, the nearest."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * (levels / largest))
    return scaled.astype(np.int64).astype(np.uint32)


def decoded(words: np.ndarray, largest: float, levels: int) -> np.ndarray:
    """The sum (n,) of numbers of which words (n,) are the sum modulo 2^32."""
    return words.astype(np.uint32).view(np.int32) * (largest / levels)


def to_words(
    update: np.ndarray, examples: int, metrics: Mapping[str, float], bound: int, options: SecureSum
) -> np.ndarray:
    """What a client sends, before it is masked: (P + 1 + M,) words.

    Args:
        update: (P,) how far the client moved each parameter, unweighted.
        examples: how many it trained on, of ``bound`` at most: its weight is their ratio.
        metrics: M means over its examples.
        bound: examples of a client of weight 1.
        options: range and step.

    Returns:
        the weighted update, the examples (a whole number, exact), the weighted metrics.

    Raises:
        OutsideError: something does not fit. Which number it was is not said, since the server reads it.
    """
    if not 0 <= examples <= bound:
        raise OutsideError(
            f"the client holds more than {bound:,} examples; raise privacy.secure_sum.examples"
        )
    if not (np.abs(update) <= options.range).all():
        raise OutsideError(
            f"an entry of the update is outside ±{options.range:g}, and is not cut off; raise "
            "privacy.secure_sum.range, or lower training.lr"
        )
    told = np.array([*metrics.values()], dtype=np.float64)
    if not (np.abs(told) <= METRIC_RANGE).all():
        raise OutsideError(
            f"one of {', '.join(metrics)} is outside ±{METRIC_RANGE:g}, and is not cut off; lower training.lr"
        )
    weight = examples / bound
    return np.concatenate(
        [
            encoded(weight * update.astype(np.float64), options.range, options.levels),
            np.array([examples], dtype=np.uint32),
            encoded(weight * told, METRIC_RANGE, options.levels),
        ]
    )


def from_words(
    words: np.ndarray, names: list[str], bound: int, options: SecureSum
) -> tuple[np.ndarray, int, dict[str, float]]:
    """The sums of weighted updates (P,), of examples, and of weighted metrics by their names.

    Args:
        words: (P + 1 + M,) the sum of clients' words.
        names: of the metrics.
        bound: examples of a client of weight 1.
        options: range and step.
    """
    last = len(words) - len(names)
    metrics = decoded(words[last:], METRIC_RANGE, options.levels)
    return (
        decoded(words[: last - 1], options.range, options.levels),
        int(words[last - 1]),
        dict(zip(names, metrics.tolist(), strict=True)),
    )
