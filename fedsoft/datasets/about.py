"""What arrays do not say of themselves: whose votes they hold, and where labels and groups come from."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Crowd = Literal["real", "simulated"]
LabelOrigin = Literal["majority", "independent"]
GroupKind = Literal["people", "sites"]
WithoutVotes = Literal["label", "leave_out"]
WithoutLabel = Literal["majority", "leave_out"]
Tested = Literal["voted", "labelled"]

MANY_GROUPS = 50
"""From so many groups on, groups are taken as people unless told otherwise."""


@dataclass(frozen=True)
class About:
    """What the source of some arrays tells of them.

    Attributes:
        crowd: whose votes these are.
        labels_are: whether labels are the ``majority`` of the votes, or ``independent`` of them; None where
            that is to be recognised.
        groups_are: whether a group is one of many ``people`` (patients, writers), whose items may not stand
            in training and test at once, or one of the ``sites`` (hospitals) that could be clients; None
            where that is to be recognised.
        without_votes: items that nobody voted on train on their ``label`` where a source needs votes, or are
            left out.
        without_label: items that have votes alone train with their ``majority`` for a label, or are left out.
        tested: items that have a label and were ``voted`` on, or all ``labelled`` ones; None for those in
            ``held_out`` where this is given, else for ``voted`` ones.
        noun: what its items are called, in the plural; None for "images" or "items", as the inputs are.
        attribution: whom to name, and the licence, where data are passed on that ask for it.
    """

    crowd: Crowd = "real"
    labels_are: LabelOrigin | None = None
    groups_are: GroupKind | None = None
    without_votes: WithoutVotes = "label"
    without_label: WithoutLabel = "majority"
    tested: Tested | None = None
    noun: str | None = None
    attribution: str | None = None


def are_modes(labels: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """(N,) whether no class has more of an item's votes (N, C) than its label has; true without any."""
    modes: np.ndarray = votes[np.arange(len(labels)), labels] == votes.max(axis=1)
    return modes


def likely_kind(groups: np.ndarray) -> GroupKind:
    """What groups (N,) are likely to be: people if there are `MANY_GROUPS` or more, otherwise sites."""
    return "people" if len(np.unique(groups)) >= MANY_GROUPS else "sites"
