"""Weights of a file as shares of answers."""

import numpy as np

from fedsoft.datasets.answers.classes import Answered
from fedsoft.datasets.answers.raw import RawAnswers, name_of
from fedsoft.datasets.answers.shares import Shares, numbered_rows, shares_of, soft_answers, whole
from fedsoft.errors import DataError
from fedsoft.plural import plural


def weighed(
    answered: Answered,
    raw: RawAnswers,
    label: np.ndarray,
    counted: np.ndarray,
    unit: np.ndarray | None,
    classes: int,
    told: list[str],
) -> Shares:
    """The rows that count, as answers whose shares sum to 1; without weights, one answer a row.

    Args:
        answered: what was answered, and where it stands.
        raw: the answers.
        label: (A,) the class of each row.
        counted: (B,) indices of the rows that count.
        unit: (A,) a number for each person and item; None where nobody is named: then an item has one.
        classes: how many classes there are.
        told: sentences, to which those on weights are added.

    Raises:
        DataError: a weight is no number or negative, or those of an answer are all 0.
    """
    if raw.weights is None:
        return whole(counted, label[counted])
    weight = raw.weights[counted]
    if (wrong := ~(np.isfinite(weight) & (weight >= 0))).any():
        rows = answered.at(counted[wrong])
        mend = 'give each row a number from 0 on, or read no weights: columns = { weight = "" }'
        raise DataError(f"{raw.where} has no valid weight in {rows}; {mend}.")
    if raw.together is not None:
        answer = numbered_rows(raw.together[counted])
    elif unit is None:
        answer = numbered_rows(answered.item[counted])
    else:
        answer = soft_answers(unit[counted], label[counted])
    if (nothing := np.bincount(answer, weights=weight) == 0).any():
        rows = answered.at(counted[nothing[answer]])
        raise DataError(f"{raw.where} has an answer with weights of 0 alone in {rows}; correct or remove it.")
    shares = shares_of(answer, label[counted], weight, classes)
    told += [
        f"{name_of(raw.where)}: {sentence}." for sentence in _said(answer, weight, classes, unit is None)
    ]
    return shares.of_rows(counted)


def _said(answer: np.ndarray, weight: np.ndarray, classes: int, nameless: bool) -> list[str]:
    """What the weights were taken for."""
    rows = np.bincount(answer)
    said = []
    if several := int((rows > 1).sum()):
        whose = "an item" if nameless else "one person and item"
        said.append(
            f"{plural(several, 'soft answer')} of several rows: the weights of {whose} are made to sum to 1"
        )
    unsure = int(((rows[answer] == 1) & (weight < 1)).sum())
    if weight.max() > 1:
        said.append("weights above 1 are no confidences, so an answer of one row counts whole")
    elif unsure and classes > 1:
        said.append(
            f"{plural(unsure, 'answer')} of one class with a confidence below 1: the rest is spread evenly "
            f"over the other {classes - 1}"
        )
    return said
