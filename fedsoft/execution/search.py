"""One key of a study tried at several values, judged by validation examples alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedsoft.study.data import load_dataset
from fedsoft.study.opened import OpenStudy
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


@dataclass(frozen=True)
class Tried:
    """What an arm's runs scored on validation examples at one value of the key.

    Attributes:
        value: the key's.
        strategy: its label.
        arm: its label.
        nll: (S, R + 1) against the labels that clients have, by seed and round.
        brier: (S, R + 1) likewise.
        kept: (S,) NLL of the models that are kept: the last ones, or the best where training stops by
            validation.
        own: (S,) NLL of the models that are kept against the kind of label that the arm's source is made of.
    """

    value: Any
    strategy: str
    arm: str
    nll: np.ndarray
    brier: np.ndarray
    kept: np.ndarray
    own: np.ndarray


def searching(
    table: Mapping[str, Any], key: str, values: Sequence[Any], seeds: Sequence[int]
) -> dict[str, Any]:
    """A study file that tries a dotted key at some values, with seeds that the study does not report."""
    return {**table, "name": f"tune-{table['name']}", "seeds": list(seeds), "grid": {key: list(values)}}


def tried(study: OpenStudy, key: str) -> list[Tried]:
    """What each value did, for every arm under every strategy, of the values whose runs are all done.

    Raises:
        StoreError: a run left no figures that can be read.
    """
    found = []
    for cell in study.plan.cells:
        if not all(study.store.is_done(run.key) for run in cell.runs):
            continue
        arms: dict[tuple[str, str], list[RunSettings]] = {}
        for run in cell.runs:
            arms.setdefault((run.strategy.label(), run.arm.label()), []).append(run)
        for (strategy, arm), runs in arms.items():
            rounds = [study.store.rounds(run.key) for run in runs]
            if not all("nll" in one[0] for one in rounds):
                continue  # without validation examples nothing is known
            nll, brier = (np.array([[f[name] for f in one] for one in rounds]) for name in ("nll", "brier"))
            by_validation = np.array([run.training.stop == "best_validation" for run in runs])
            kept = np.where(by_validation, nll.min(axis=1), nll[:, -1])
            own = np.array([own_loss(run, study.store) for run in runs])
            found.append(Tried(cell.axes[key], strategy, arm, nll, brier, kept, own))
    return found


def own_loss(run: RunSettings, store: Store) -> float:
    """Validation NLL of the final model against the kind of label that the source is made of.

    That is people's votes where targets are made of them, on the examples that have some.
    """
    data, made = load_dataset(run.dataset), store.predictions(run.key)
    rows, probs = made["validation_rows"], made["validation"]
    reference = np.eye(data.classes)[data.labels[rows]]
    source = run.source
    if source and source.needs_votes and not source.needs_predictions and data.votes is not None:
        voted = data.voted[rows]
        votes = data.votes[rows[voted]]
        reference[voted] = votes / votes.sum(axis=1, keepdims=True)
    return float(-(reference * np.log(np.maximum(probs, 1e-30))).sum(axis=1).mean())
