"""Who answers otherwise than it is left to chance who gave which of an item's answers."""

from dataclasses import dataclass

import numpy as np

from fedsoft.annotators.beside import Beside
from fedsoft.annotators.tails import log_tail_bound
from fedsoft.holm import holm

LEVEL = 0.05
"""Probability that anybody at all stands out of a crowd of people who are alike."""


@dataclass(frozen=True)
class Standing:
    """Who of R people stands out.

    Attributes:
        less: (R,) agrees with the others less than chance explains.
        more: (R,) agrees with them more than chance explains.
        says_more: (R, C) answers a class more often than chance explains.
    """

    less: np.ndarray
    more: np.ndarray
    says_more: np.ndarray

    @property
    def unusual(self) -> np.ndarray:
        """(R,) whether a person agrees less than chance explains, or leans to a class."""
        found: np.ndarray = self.less | self.says_more.any(axis=1)
        return found

    @property
    def anyhow(self) -> np.ndarray:
        """(R,) whether a person stands out in one way or another."""
        found: np.ndarray = self.unusual | self.more
        return found


def standing_out(
    beside: Beside, annotator: np.ndarray, label: np.ndarray, people: int, classes: int
) -> Standing:
    """Test everybody against the others who answered the same items.

    Were people alike, each would have given any of an item's answers as likely as another who answered it,
    whatever the item is like. Then a person's answers to items are independent, class c having the
    probability (answers c) / (answers) on each; that gives the distribution of how often the person agrees
    with others, and of how often the person says each class. Tail probabilities are bounds that hold at any
    number of answers, so that nobody stands out for having given few, and Holm-adjusted over all people,
    both directions of agreement and all classes.

    Args:
        beside: the answers.
        annotator: (A,) who gave them.
        label: (A,) what they are.
        people: R.
        classes: C.
    """
    chance, group = beside.chances(), annotator
    gain = (beside.entry_count - 1) / np.maximum(beside.others, 1)[beside.entry_of]
    observed = np.bincount(annotator, beside.agreement, people)
    logs = np.empty((people, 2 + classes))
    for column, sign in enumerate((-1, 1)):
        logs[:, column] = log_tail_bound(sign * observed, sign * gain, chance, beside.entry_of, group)
    # One draw an entry: whether the answer is of that class.
    says = np.bincount(annotator * classes + label, minlength=people * classes).astype(float)
    entries = len(chance)
    logs[:, 2:] = log_tail_bound(
        says,
        np.tile([0.0, 1.0], entries),
        np.stack([1 - chance, chance], axis=1).ravel(),
        np.repeat(np.arange(entries), 2),
        annotator[beside.entry_of] * classes + beside.entry_class,
    ).reshape(people, classes)
    # A person without anything to compare is no test, and makes the others' no weaker.
    logs[np.bincount(annotator[beside.others > 0], minlength=people) == 0] = np.nan
    found = holm(np.exp(logs).ravel()).reshape(logs.shape) < LEVEL
    return Standing(found[:, 0], found[:, 1], found[:, 2:])
