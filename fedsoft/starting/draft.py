"""A study file before it is text: what was chosen, and why."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A value of the study file.

    Attributes:
        value: as TOML knows it: text, number, truth value, list or table.
        why: the comment beside it; empty for none.
    """

    value: Any
    why: str = ""


@dataclass(frozen=True)
class Draft:
    """What a study file says, in its order.

    Attributes:
        found: what the data hold, a sentence each.
        description: what the study asks.
        dataset: the table of the data, as the user gave it.
        sources: what clients train on.
        rivals: sources trained otherwise, or calibrated.
        absent: sources and rivals that are left out, and why.
        model: what is trained.
        rounds: how many.
        tuned: how learning rate and rounds were chosen.
        seeds: which.
        folds: how many; None where the data say what is held out.
        scenario: its keys.
        instead: lines of another scenario that the data can give, to take in its place.
        training: its keys.
        endpoint: its keys.
    """

    found: tuple[str, ...]
    description: str
    dataset: dict[str, Any]
    sources: tuple[Entry, ...]
    rivals: tuple[Entry, ...]
    absent: tuple[tuple[str, str], ...]
    model: Entry
    rounds: Entry
    tuned: str
    seeds: Entry
    folds: Entry | None
    scenario: dict[str, Entry]
    instead: tuple[str, ...]
    training: dict[str, Entry]
    endpoint: dict[str, Entry]
