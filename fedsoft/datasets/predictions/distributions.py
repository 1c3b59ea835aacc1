"""Whether predictions are probabilities, and what to do where they are something else."""

import numpy as np

from fedsoft.datasets.predictions.raw import RawPredictions
from fedsoft.errors import DataError

SLACK = 0.01
"""By how much a row of rounded probabilities may be off one."""
EXACT = 1e-6
"""By how much a row may be off one and stay as it is, to the bit."""
SOFTMAX = "scipy.special.softmax(logits, axis=1)"


def distributions(raw: RawPredictions) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows (M, C) that sum to one, of NaN where there is no prediction, and what to tell of it.

    Rows within 0.01 of one are renormalised, those within 10⁻⁶ left as they are. Where every row sums to
    about 100 they are percentages.

    Raises:
        DataError: a row is no probabilities; the message names it, and what it seems to be.
    """
    values, told = raw.values, raw.told
    empty = np.isnan(values)
    some = ~empty.all(axis=1)
    if (partly := some & empty.any(axis=1)).any():
        mend = "fill it in, or leave the whole row empty"
        _fail(raw, partly, "has no number for a class in {at}", mend)
    rows = np.flatnonzero(some)
    known = values[rows]
    if not np.isfinite(known).all():
        _fail(raw, some & ~np.isfinite(values).all(axis=1), "holds an infinite number in {at}", "correct it")
    if not len(rows):
        raise DataError(f"{raw.where} holds no prediction; fill it in, or leave it out.")
    sums = known.sum(axis=1, dtype=np.float64)
    if (known < -EXACT).any():
        _refuse_negative(raw, known)
    if (np.abs(sums - 100) <= 100 * SLACK).all():
        known, sums = known / 100, sums / 100
        told = (*told, "its rows sum to 100 and are taken for percentages")
    off = np.abs(sums - 1) > SLACK
    if off.any():
        row = int(rows[off.argmax()])
        mend = f"give one probability for each class; of logits, and of scores of single classes, {SOFTMAX}"
        raise DataError(
            f"{raw.where} holds no probabilities in {raw.at(row)}, which sums to {sums[off][0]:.4g} and not "
            f"to 1; {mend}."
        )
    result = np.full_like(values, np.nan)
    near = (np.abs(sums - 1) <= EXACT)[:, np.newaxis] & (known >= 0).all(axis=1, keepdims=True)
    clipped = known.clip(min=0)
    result[rows] = np.where(near, known, clipped / clipped.sum(axis=1, keepdims=True))
    return result, told


def _refuse_negative(raw: RawPredictions, known: np.ndarray) -> None:
    """Refuse logits, and probabilities' logarithms, by what they are."""
    lowest = known.min(axis=1)
    logs = bool((known <= EXACT).all()) and np.allclose(np.exp(known).sum(axis=1), 1, atol=SLACK)
    what = "logarithms of probabilities" if logs else "logits"
    mend = "numpy.exp(logs)" if logs else SOFTMAX
    value = lowest[lowest < -EXACT][0]
    _fail(
        raw,
        np.less(raw.values, -EXACT).any(axis=1),
        f"holds {value:.4g} in {{at}}, as {what} do",
        f"save probabilities: {mend}",
    )


def _fail(raw: RawPredictions, wrong: np.ndarray, problem: str, mend: str) -> None:
    at = raw.at(int(wrong.argmax()))
    raise DataError(f"{raw.where} {problem.format(at=at)}; {mend}.")
