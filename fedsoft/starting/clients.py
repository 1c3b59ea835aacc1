"""Who the clients of a first study are."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.datasets.about import MANY_GROUPS
from fedsoft.starting.answers import Trainable
from fedsoft.starting.draft import Entry
from fedsoft.study.dealing import tested_in

USUAL_FOLDS, FEWEST_FOLDS = 5, 3
A_CLIENT = 100
"""Training examples that a client should have."""
LEAST = 40
"""Fewer than so many are not dealt unevenly."""
MOST_CLIENTS = 20
VALIDATION = 0.1
"""Share of each client's examples that validates."""
FEWEST_PEOPLE, FEWEST_ANSWERS, MOST_PEOPLE = 20, 20, 200
"""Clients can be people where so many gave so many answers, and so many of them at most."""


@dataclass(frozen=True)
class Held:
    """Who holds what.

    Attributes:
        folds: how many take turns in being tested; None where the data say what is.
        scenario: clients and partition.
        sizes: (K,) about how many examples each client has, in any fold.
        instead: lines of a scenario whose clients are people, where that can be.
    """

    folds: Entry | None
    scenario: dict[str, Entry]
    sizes: np.ndarray
    instead: tuple[str, ...]

    @property
    def training(self) -> int:
        """About how many examples are trained on, of all clients."""
        return int(self.sizes.sum()) - self.validating

    @property
    def validating(self) -> int:
        """About how many examples validate, of all clients."""
        return int(np.floor(self.sizes * VALIDATION).sum())


def hold(part: Trainable) -> Held:
    """Clients for some data: their sites, or so many that each has enough to train on."""
    folds = None if part.data.held_out is not None else _folds(part)
    scenario, sizes = _sites(part, folds) or _dealt(part, folds)
    return Held(folds, scenario, sizes, _people(part))


def _folds(part: Trainable) -> Entry:
    """Five, or fewer where a class or people are too rare to be in all of them."""
    data = part.data
    testable = data.may_be_tested
    counts = np.bincount(data.labels[testable])
    rarest = int(counts[counts > 1].min(initial=USUAL_FOLDS))
    folds, why = USUAL_FOLDS, "a seed holds out one of these in turn: seeds 0 to 4 test every item once"
    if rarest < folds:
        folds = max(rarest, FEWEST_FOLDS)
        why = f"a seed holds out one in turn; not five, since a class has {rarest} {data.noun}"
    if data.people is not None and (people := len(np.unique(data.people[testable]))) < folds:
        folds, why = max(people, 2), f"a seed holds out one in turn; there are {people} people"
    return Entry(folds, why)


def _in_training(part: Trainable, folds: Entry | None) -> list[np.ndarray]:
    """The rows that may be trained on, fold by fold."""
    if folds is None:
        return [part.rows]
    return [np.flatnonzero(~tested_in(part.data, folds.value, fold)) for fold in range(folds.value)]


def _sites(part: Trainable, folds: Entry | None) -> tuple[dict[str, Entry], np.ndarray] | None:
    """The data's own sites as clients, where most have something to train on."""
    groups = part.data.groups
    if groups is None or part.data.groups_are != "sites":
        return None
    counted = [np.unique(groups[rows], return_counts=True)[1] for rows in _in_training(part, folds)]
    fewest = min(counted, key=len)
    if not 2 <= len(fewest) <= MANY_GROUPS or np.median(fewest) < FEWEST_ANSWERS:
        return None
    low, high = int(fewest.min()), int(fewest.max())
    return {
        "clients": Entry(
            len(fewest), f"the sites in `groups`, with {low:,} to {high:,} {part.data.noun} each"
        ),
        "partition": Entry("natural", 'each holds its own; "iid" and "dirichlet" deal anew'),
    }, fewest


def _dealt(part: Trainable, folds: Entry | None) -> tuple[dict[str, Entry], np.ndarray]:
    """So many clients that each has enough, dealt a little unevenly where they have much."""
    trained = min(_in_training(part, folds), key=len)
    people = part.data.people
    units = len(trained) if people is None else len(np.unique(people[trained]))
    clients = min(max(len(trained) // A_CLIENT, 2), MOST_CLIENTS, max(units // 2, 1))
    each = len(trained) // clients
    sizes = np.full(clients, each)
    several = Entry(clients, f"about {each:,} {part.data.noun} each to train and validate on")
    partition: Any = "iid"
    if people is not None:
        why = f"dealt at random, all {part.data.noun} of a person to one client"
    elif each < LEAST:
        why = "dealt at random; more data could be dealt unevenly"
    else:
        partition = {"name": "dirichlet", "alpha": 1.0, "smallest": max(10, each // 10)}
        why = "mildly uneven in labels; a smaller alpha is more so"
    return {"clients": several, "partition": Entry(partition, why)}, sizes


def _people(part: Trainable) -> tuple[str, ...]:
    """A scenario whose clients are people, where enough of them answered enough."""
    able = int((part.given >= FEWEST_ANSWERS).sum())
    if able < FEWEST_PEOPLE:
        return ()
    some = min(able, MOST_PEOPLE)
    named = "each of them" if some == able else f"the {some} who gave most"
    return (
        f"Or clients who are people: {able} gave {FEWEST_ANSWERS} answers or more. For {named} to hold what",
        "they answered, with their own answers, take these in place of the keys above, and human_soft_shrunk",
        "out of sources, which does not see one answer an item:",
        f"clients = {some}",
        'partition = { name = "by_annotator", people = 1 }',
        'few_votes = "take"',
    )
