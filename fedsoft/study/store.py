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
from fedsoft.study.settings import RunSettings

FILES = ("settings.json", "model.npz", "predictions.npz", "rounds.json", "run.json")
"""What a finished run leaves, in the order in which it is written."""


RECORDED: dict[str, Any] = {
    "engine": str, "seconds": float | int, "votes_bought": int, "bytes_sent": int, "privacy": dict,
    "targets": dict, "crowd": object,
}  # fmt: skip
"""What a finished run's record holds at least, and of what type."""
PARTS = ("test", "validation", "held_out")
"""What may be predicted."""


@dataclass(frozen=True)
class Store:
    """Results under one folder; ``runs/<key>/run.json`` is written last and marks a finished run."""

    root: Path

    def run_folder(self, key: str) -> Path:
        """The folder of a run."""
        return self.root / "runs" / key

    def is_done(self, key: str) -> bool:
        """Whether a run has finished, and nothing of it was deleted since."""
        return all((self.run_folder(key) / name).exists() for name in FILES)

    def finished(self) -> list[str]:
        """Keys of all finished runs, of this study or of earlier versions of it."""
        return sorted(folder.name for folder in self.root.glob("runs/*") if self.is_done(folder.name))

    def save_settings(self, settings: RunSettings) -> None:
        """Write what determines a run, so that any process can find it by its key."""
        path = self.run_folder(settings.key) / "settings.json"
        if not path.exists():
            write_json(path, settings.model_dump(mode="json"))

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
        write_json(folder / "run.json", record)
        with contextlib.suppress(OSError):
            (folder / "checkpoint.npz").unlink(missing_ok=True)

    def record(self, key: str) -> dict[str, Any]:
        """What is known of a finished run: engine, versions, commit, cost, summary of its targets."""
        path = self.run_folder(key) / "run.json"
        record: dict[str, Any] = read_json(path)
        if not isinstance(record, dict) or not all(
            name in record and isinstance(record[name], kind) for name, kind in RECORDED.items()
        ):
            raise StoreError(f"{path} is not the record of a run; delete it and run again.")
        return record

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
