"""What there is to see in the items of a dataset, and what people take for what."""

from dataclasses import dataclass, field

import numpy as np

from fedsoft.annotators.noise import confusion, destinations, uniform_others
from fedsoft.datasets import AnnotatedDataset

BORROWED = 1.0
"""Votes that the share of an item's votes borrows from the mean soft label of the items of its label."""


@dataclass(frozen=True)
class Sight:
    """What people of a dataset see, the same for all simulated crowds.

    Attributes:
        seen: (N, C) probability that one who looks well sees each class; rows of zeros where nothing is known
            of an item.
        hard: (N,) entropy of these, as a share of the largest there can be: 0 to 1.
        slips_to: (C, C) what a slip makes of the row's class; rows sum to 1, the diagonal is 0.
        shares: (C,) how often each class is the label.
        given: (C, C) probability that each class is seen, given that the row's class is the label.
        matrices: (Q, C, C) probability of each answer of Q real people, given what they see; none unless a
            crowd asks for them.
        answered: (Q,) answers that each of these gave.
    """

    seen: np.ndarray
    hard: np.ndarray
    slips_to: np.ndarray
    shares: np.ndarray
    given: np.ndarray
    matrices: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0)))
    answered: np.ndarray = field(default_factory=lambda: np.empty(0))


def sight_of(data: AnnotatedDataset) -> Sight:
    """What people see in the items of a dataset.

    Someone who looks well sees what one of the item's voters said: a class drawn from the item's vote shares.
    With few votes these are too near to unanimous, so `BORROWED` votes are added that follow the mean soft
    label of the items of the same label; a vote of fifty hardly changes for it, one of three does. Draws are
    independent, so that there are as many answers as one likes, whatever the number of votes. Where nobody
    voted, people see the item's label.

    Slips go to classes that the data's people confuse with the one that was seen, as the noise `confusion`
    has it, and evenly to all others where they confuse it with none.
    """
    classes, labels = data.classes, data.labels
    seen = np.eye(classes)[labels]
    usual = np.eye(classes)
    if data.votes is not None:
        voted = data.voted
        found = confusion(data.votes[voted], labels[voted])
        usual = np.where(found.any(axis=1, keepdims=True), found, usual)
        votes = data.votes[voted] + BORROWED * usual[labels[voted]]
        seen[voted] = votes / votes.sum(axis=1, keepdims=True)
    if data.labelled is not None:
        seen[~data.labelled & ~data.voted] = 0
    return Sight(seen, _hardness(seen), _slips_to(usual), *_by_label(seen, labels))


def _hardness(seen: np.ndarray) -> np.ndarray:
    logs = np.log(seen, out=np.zeros_like(seen), where=seen > 0)
    return -(seen * logs).sum(axis=1) / np.log(seen.shape[1])


def _slips_to(usual: np.ndarray) -> np.ndarray:
    others = usual * (1 - np.eye(len(usual)))
    return np.where(others.any(axis=1, keepdims=True), destinations(usual), uniform_others(len(usual)))


def _by_label(seen: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares (C,) of labels, and the mean (C, C) of what is seen of the items of each."""
    count = np.bincount(labels, minlength=seen.shape[1])
    given = np.eye(len(count))
    np.add.at(found := np.zeros_like(given), labels, seen)
    given[count > 0] = found[count > 0] / count[count > 0, np.newaxis]
    return count / count.sum(), given
