"""The folder of a study's results: one folder a run, written whole, read without pickle."""

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.errors import StoreError
from fedsoft.files import read_json, read_npz, write_json, write_npz
from fedsoft.study.failures import Failure, is_failure
from fedsoft.study.seal import RECORD, damage, sealed
from fedsoft.study.settings import RunSettings

PARTS = ("test", "validation", "held_out")
"""What may be predicted."""


@dataclass(frozen=True)
class Store:
    """Results under one folder; ``runs/<key>/run.json`` is written last and marks a finished run.

    What a run left and somebody changed or deleted since makes the run one that is not done.
    """

    root: Path

    def run_folder(self, key: str) -> Path:
        """The folder of a run."""
        return self.root / "runs" / key

    def is_done(self, key: str) -> bool:
        """Whether a run has finished, and all that it left is as it was written."""
        folder = self.run_folder(key)
        return (folder / RECORD).exists() and damage(folder) is None

    def damage(self, key: str) -> str | None:
        """What was changed or deleted of a run that had finished, in a sentence with the mend, or None."""
        folder = self.run_folder(key)
        found = damage(folder) if (folder / RECORD).exists() else None
        return found and f"{found}: the run counts as not done; run the study again to mend it."

    def failure(self, key: str) -> Failure | None:
        """Why a run could not be done when it was last tried; None where it was not tried, or is done."""
        try:
            found = read_json(self.run_folder(key) / "failed.json")
        except StoreError:
            return None
        return found if is_failure(found) and not self.is_done(key) else None

    def finished(self) -> list[str]:
        """Keys of all finished runs, of this study or of earlier versions of it."""
        return sorted(folder.name for folder in self.root.glob("runs/*") if self.is_done(folder.name))

    def save_settings(self, settings: RunSettings) -> None:
        """Write what determines a run that begins, so that any process can find it by its key."""
        folder = self.run_folder(settings.key)
        write_json(folder / "settings.json", settings.model_dump(mode="json"))
        _drop(folder / "failed.json")

    def settings(self, key: str) -> RunSettings:
        """Read a run's settings."""
        path = self.run_folder(key) / "settings.json"
        try:
            return RunSettings.model_validate(read_json(path))
        except ValueError as error:
            raise StoreError(f"{path} does not describe a run ({error}); delete its folder.") from None

    def finish(
        self,
        key: str,
        record: Mapping[str, Any],
        rounds: list[dict[str, float]],
        model: Mapping[str, np.ndarray],
        predictions: Mapping[str, np.ndarray],
    ) -> None:
        """Write a run's results and drop its checkpoint."""
        folder = self.run_folder(key)
        write_npz(folder / "model.npz", model)
        write_npz(folder / "predictions.npz", predictions)
        write_json(folder / "rounds.json", rounds)
        write_json(folder / RECORD, sealed(folder, record))
        _drop(folder / "checkpoint.npz")

    def fail(self, key: str, failure: Failure) -> None:
        """Write why a run cannot be done; its checkpoint, if any, stays."""
        write_json(self.run_folder(key) / "failed.json", failure)

    def record(self, key: str) -> dict[str, Any]:
        """What is known of a finished run: engine, versions, commit, cost, summary of its targets."""
        if damaged := self.damage(key):
            raise StoreError(damaged)
        record: dict[str, Any] = read_json(self.run_folder(key) / RECORD)
        return {name: known for name, known in record.items() if name not in ("files", "folder")}

    def rounds(self, key: str, count: int | None = None) -> list[dict[str, float]]:
        """Per-round figures of a finished run, of ``count`` rounds after the initial model if known."""
        path = self.run_folder(key) / "rounds.json"
        rounds: list[dict[str, float]] = read_json(path)
        whole = isinstance(rounds, list) and rounds and all(_is_round(one, rounds[0]) for one in rounds)
        if not whole or (count is not None and len(rounds) != count + 1):
            raise StoreError(f"{path} holds no figures of rounds; delete it and run again.")
        return rounds

    def predictions(self, key: str, parts: Sequence[str] = ("",)) -> dict[str, np.ndarray]:
        """Predictions of a finished run: all, or those arrays whose names begin with one of some parts."""
        path = self.run_folder(key) / "predictions.npz"
        made = read_npz(path, parts)
        if not _are_predictions(made, parts):
            raise StoreError(f"{path} does not hold a run's predictions; delete {path.parent} and run again.")
        return made

    def save_checkpoint(self, key: str, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Write where an unfinished run stands, in one file: arrays, and the rest as JSON among them."""
        path = self.run_folder(key) / "checkpoint.npz"
        write_npz(path, {**arrays, "json": np.array(json.dumps(state))})

    def checkpoint(self, key: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Where an unfinished run stands, or None; a damaged checkpoint counts as none."""
        try:
            arrays = read_npz(self.run_folder(key) / "checkpoint.npz")
            state = json.loads(str(arrays.pop("json")))
        except (StoreError, KeyError, ValueError, RecursionError):
            return None
        return (arrays, state) if isinstance(state, dict) else None


def _drop(path: Path) -> None:
    """Delete a file that nobody needs any more, if that can be done."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _are_predictions(made: Mapping[str, np.ndarray], parts: Sequence[str]) -> bool:
    """Whether arrays are probabilities (N, C) with the rows (N,) that they are of."""
    tests = "test".startswith(tuple(parts))
    for part in (part for part in PARTS if part in made or (tests and part == "test")):
        probs = made.get(part)
        if probs is None or probs.ndim != 2 or probs.dtype.kind != "f":
            return False
        if not ((probs >= 0) & (probs < 1.001)).all():
            return False
        for name in (f"{part}_rows", "test_client") if part == "test" else (f"{part}_rows",):
            beside = made.get(name)
            if beside is None or beside.shape != probs.shape[:1] or beside.dtype.kind != "i":
                return False
            if (beside < 0).any():
                return False
    return True


def _is_round(found: Any, first: Any) -> bool:
    """Whether something is a round's figures: numbers by name, under the same names as the first round's."""
    return (
        isinstance(found, dict)
        and found.keys() == first.keys() >= {"round", "train_loss", "cohort"}
        and all(isinstance(value, int | float) for value in found.values())
    )
