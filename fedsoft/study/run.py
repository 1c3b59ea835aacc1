"""One run, from its settings to its folder of results; the same on every engine, alone or beside others."""

import platform
import subprocess
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.app import Message

import fedsoft
from fedsoft.errors import FedsoftError
from fedsoft.evaluation import METRICS, Cartography, Predictions, Reference, onehot
from fedsoft.federation import (
    CohortGrid,
    Exchange,
    RoundResult,
    Task,
    play,
    restore_strategy,
    strategy_state,
    to_parameters,
)
from fedsoft.study.derive import derive
from fedsoft.study.follow import follow, from_sums, to_sums, training_map
from fedsoft.study.prepare import Prepared, client_labels, load_dataset, prepare
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.training import predict

CHECKPOINT_SECONDS = 30.0
PER_ROUND = tuple(METRICS.parse(name) for name in ("accuracy", "nll", "brier", "signed_gap"))


class Interrupted(FedsoftError):  # noqa: N818 (it is none)
    """The run was asked to stop, and left a checkpoint."""


@dataclass
class Hooks:
    """What a run reports to and asks of whoever executes it."""

    after_round: Callable[[RunSettings, dict[str, float]], None] = lambda settings, figures: None
    stop: Callable[[], bool] = lambda: False


@dataclass
class Meter:
    """Seconds that a run takes: its own, and its share of those in which it trains beside others.

    Attributes:
        seconds: those up to its last pause.
        resumed: the time since when it is at work.
    """

    seconds: float = 0.0
    resumed: float = 0.0

    @property
    def so_far(self) -> float:
        """Seconds up to now, while the run is at work."""
        return self.seconds + time.monotonic() - self.resumed


Run = Generator[Exchange, list[Message], None]
"""A run at work: yields each round's exchange, takes the replies, and ends when its results are stored."""


def begin(
    settings: RunSettings,
    store: Store,
    make_grid: Callable[[Task], CohortGrid],
    engine: str,
    device: str,
    hooks: Hooks,
    meter: Meter,
) -> Run:
    """Train, or compute from its parts, and store one run; continue it where a checkpoint was left.

    Raises:
        Interrupted: ``hooks.stop`` said so; a checkpoint holds the state.
        FedsoftError: the run cannot be done; the message says which run and why.
    """
    if store.is_done(settings.key):
        return
    store.save_settings(settings)
    try:
        if settings.parts():
            _derive(settings, store, engine, device, hooks)
        else:
            yield from _run(settings, store, make_grid, engine, device, hooks, meter)
    except Interrupted:
        raise
    except FedsoftError as error:
        raise type(error)(f"{settings.label()}: {error}") from None


def _derive(settings: RunSettings, store: Store, engine: str, device: str, hooks: Hooks) -> None:
    """An ensemble or a calibrated run, from its parts: no round but the last, and no model of its own."""
    if hooks.stop():
        raise Interrupted(f"{settings.label()} stopped before it began.")
    predictions, cost = derive(settings, store, device)
    figures = {"round": settings.rounds, "train_loss": float("nan"), "cohort": 0}
    if "validation" in predictions:
        probs = torch.from_numpy(predictions["validation"])
        labels = client_labels(settings, load_dataset(settings.dataset))
        known = torch.from_numpy(labels[predictions["validation_rows"]])
        figures |= _scores(probs, onehot(known, probs.shape[-1]))
    hooks.after_round(settings, figures)
    store.finish(
        settings.key,
        record=_origin(settings, engine, device) | cost | _environment(),
        rounds=[figures],
        model={},
        predictions=predictions,
    )


def _run(
    settings: RunSettings,
    store: Store,
    make_grid: Callable[[Task], CohortGrid],
    engine: str,
    device: str,
    hooks: Hooks,
    meter: Meter,
) -> Run:
    """A run that trains."""
    prepared = prepare(settings, store, device)
    grid = make_grid(prepared.task)
    kept, rounds, seconds, seen = yield from _train(prepared, store, grid, hooks, meter)
    parameters = to_parameters(kept.arrays, prepared.task.inputs.device)
    store.finish(
        settings.key,
        record={
            **_origin(settings, engine, device),
            "seconds": seconds + meter.so_far,
            "votes_bought": prepared.votes_bought,
            "bytes_sent": _bytes_sent(kept, rounds),
            "round_kept": kept.number,
            "privacy": prepared.privacy_spent,
            "targets": prepared.summary,
            "crowd": prepared.dataset.crowd,
            **_environment(),
        },
        rounds=rounds,
        model=kept.arrays,
        predictions=_predictions(prepared, parameters) | training_map(prepared, seen),
    )


def _train(
    prepared: Prepared, store: Store, grid: CohortGrid, hooks: Hooks, meter: Meter
) -> Generator[
    Exchange, list[Message], tuple[RoundResult, list[dict[str, float]], float, Cartography | None]
]:
    """The rounds that are left.

    Returns:
        the round whose model is kept, the figures of all, the seconds spent before the checkpoint that was
        left, and what was seen of the training examples, None where they are not followed.
    """
    settings, task = prepared.settings, prepared.task
    strategy = settings.strategy.build()
    state, rounds, before = RoundResult(0, task.initial(), float("nan"), 0), [], 0.0
    kept, by_validation = state, settings.training.stop == "best_validation"
    device = task.inputs.device
    seen = Cartography.start(len(task.train.rows), device) if settings.cartography else None
    if saved := store.checkpoint(settings.key):
        arrays, rest = saved
        state = RoundResult(rest["round"], _part(arrays, "model"), float("nan"), 0)
        kept = RoundResult(rest["kept"], _part(arrays, "kept") or state.arrays, float("nan"), 0)
        restore_strategy(strategy, _part(arrays, "strategy"), rest["strategy"])
        rounds, before = rest["rounds"], rest["seconds"]
        seen = seen and from_sums(rest["round"], _part(arrays, "seen"), device)
    else:
        rounds = [_figures(prepared, state)]
    saved_at = time.monotonic()

    def after_round(result: RoundResult) -> None:
        nonlocal saved_at, kept, seen
        rounds.append(_figures(prepared, result))
        hooks.after_round(settings, rounds[-1])
        if not by_validation or rounds[-1]["nll"] < rounds[kept.number]["nll"]:
            kept = result
        seen = seen and follow(prepared, seen, result)
        stop = hooks.stop() and result.number < settings.rounds
        if stop or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            saved_at = time.monotonic()
            arrays, kinds = strategy_state(strategy)
            store.save_checkpoint(
                settings.key,
                {f"model/{name}": array for name, array in result.arrays.items()}
                | {f"kept/{name}": array for name, array in kept.arrays.items() if kept is not result}
                | {f"strategy/{name}": array for name, array in arrays.items()}
                | {f"seen/{name}": array for name, array in to_sums(seen).items()},
                {
                    "round": result.number,
                    "kept": kept.number,
                    "strategy": kinds,
                    "rounds": rounds,
                    "seconds": before + meter.so_far,
                },
            )
        if stop:
            raise Interrupted(f"{settings.label()} stopped after round {result.number}.")

    config = {"store": str(store.root.resolve()), "run": settings.key, "device": str(device)}
    yield from play(strategy, grid, settings.rounds, after_round, state, config)
    return kept, rounds, before, seen


def _part(arrays: dict[str, np.ndarray], part: str) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint whose names begin with a part, without it."""
    return {n.removeprefix(f"{part}/"): array for n, array in arrays.items() if n.startswith(f"{part}/")}


def _figures(prepared: Prepared, result: RoundResult) -> dict[str, float]:
    """Figures of one round, on the validation examples against the labels that clients have."""
    task, rows = prepared.task, prepared.deal.validation.rows
    figures = {"round": result.number, "train_loss": result.train_loss, "cohort": result.cohort}
    if len(rows):
        inputs, labels = prepared.validation
        parameters = to_parameters(result.arrays, task.inputs.device)
        figures |= _scores(predict(task.model, parameters, inputs), labels)
    return figures


def _scores(probs: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
    """What predictions (V, C) score against one-hot labels (V, C)."""
    predictions, reference = Predictions(probs), Reference(labels)
    return {type(metric).name: float(metric(predictions, reference)) for metric in PER_ROUND}


def _predictions(prepared: Prepared, parameters: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Final predictions on the examples that the run did not train on, with their dataset rows."""
    parts = {
        "test": prepared.deal.test.rows,
        "validation": prepared.deal.validation.rows,
        "held_out": prepared.held_out,
    }
    arrays: dict[str, np.ndarray] = {"test_client": prepared.deal.test.owner.astype(np.int32)}
    for name, rows in parts.items():
        if len(rows):
            inputs = prepared.task.inputs[torch.from_numpy(rows)]
            arrays[name] = predict(prepared.task.model, parameters, inputs).cpu().numpy()
            arrays[f"{name}_rows"] = rows.astype(np.int32)
    return arrays


def _bytes_sent(result: RoundResult, rounds: list[dict[str, float]]) -> int:
    """Bytes of parameters that crossed the network, both ways."""
    size = sum(array.nbytes for array in result.arrays.values())
    return int(2 * size * sum(figures["cohort"] for figures in rounds))


def _origin(settings: RunSettings, engine: str, device: str) -> dict[str, Any]:
    """Which run it is, and what executed it."""
    return {
        "label": settings.label(),
        "engine": engine,
        "device": device,
        "seed": settings.seed,
        "fold": settings.fold,
    }


@lru_cache(maxsize=1)
def _environment() -> dict[str, Any]:
    """What the run was made with."""
    git = ["git", "-C", str(Path(fedsoft.__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(git, capture_output=True, text=True, timeout=5).stdout.strip() or None
    except (OSError, subprocess.TimeoutExpired):
        commit = None
    packages = ("flwr", "torch", "numpy", "ray")
    return {
        "fedsoft": fedsoft.__version__,
        "commit": commit,
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }
