"""One run, from its settings to its folder of results; the same on every engine, alone or beside others."""

import platform
import subprocess
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from flwr.serverapp.strategy import Strategy

import fedsoft
from fedsoft.errors import DataError, FedsoftError, in_a_line
from fedsoft.evaluation import onehot
from fedsoft.execution.derive import derive
from fedsoft.execution.follow import follow, training_map
from fedsoft.execution.guard import asked_of_clients, built
from fedsoft.execution.scoring import Figures, Scoring, scores
from fedsoft.execution.standing import Standing, begun, restored, to_checkpoint
from fedsoft.federation import StrategyOptions, Task
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.exchange import RoundError
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.results import RoundResult
from fedsoft.federation.rounds import Wait, play_round
from fedsoft.federation.servers.weighing import Weighing
from fedsoft.study.canaries import Planted
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import client_labels
from fedsoft.study.failures import failure_of
from fedsoft.study.prepare import Prepared, prepare
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.training import compute_in, predict

CHECKPOINT_SECONDS = 30.0
LISTED = 1_000
"""Clients, more than which a run's record does not list one by one."""
FIRST = 10
"""How many of the clients that raised a run's record names."""


class Interrupted(FedsoftError):  # noqa: N818 (it is none)
    """The run was asked to stop, and left a checkpoint."""


@dataclass
class Hooks:
    """What a run reports to and asks of whoever executes it.

    Attributes:
        after_round: is told of every round.
        stop: is asked whether to stop.
        failed: is told of a run that could not be done; the store knows why.
    """

    after_round: Callable[[RunSettings, Figures], None] = lambda settings, figures: None
    stop: Callable[[], bool] = lambda: False
    failed: Callable[[RunSettings], None] = lambda settings: None


@dataclass(frozen=True)
class Host:
    """Where runs are executed.

    Attributes:
        store: where they are kept.
        make_grid: the engine's grid for a run.
        engine: its name, as runs record it.
        device: of all tensors.
        hooks: what is reported and asked.
        planted: canaries, where the run is audited.
    """

    store: Store
    make_grid: Callable[[Task], CohortGrid]
    engine: str
    device: str
    hooks: Hooks
    planted: Planted | None = None


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


Waits = Wait | Scoring
"""What a run at work waits for: what its round waits for, or the figures of a round."""

Run = Generator[Waits, Any, None]
"""A run at work: yields what it waits for, takes it, and ends when its results are stored."""


@dataclass(frozen=True)
class Results:
    """What a run leaves, as `Store.finish` takes it."""

    record: dict[str, Any]
    rounds: list[Figures]
    model: dict[str, np.ndarray]
    predictions: dict[str, np.ndarray]


def begin(settings: RunSettings, host: Host, meter: Meter) -> Run:
    """Train, or compute from its parts, and store one run; continue it where a checkpoint was left.

    A run that cannot be done, whatever the reason, is stored as failed, and ends without an exception: it
    concerns no other run.

    Raises:
        Interrupted: ``host.hooks.stop`` said so; a checkpoint holds the state.
        Exception: what is around the run failed: a hook, or the store.
    """
    if host.store.is_done(settings.key):
        return
    host.store.save_settings(settings)
    try:
        compute_in(settings.precision, host.device)
        _require(settings, host.store)
        results = (yield from _run(settings, host, meter)) if settings.trains else _derive(settings, host)
    except Interrupted:
        raise
    except _Around as error:
        raise error.cause from None
    except Exception as error:
        host.store.fail(settings.key, failure_of(settings, error))
        host.hooks.failed(settings)
    else:
        host.store.finish(settings.key, results.record, results.rounds, results.model, results.predictions)


class _Around(Exception):  # noqa: N818 (it carries an error)
    """Carries an exception of what is around a run through the run."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(cause)
        self.cause = cause


@contextmanager
def _around() -> Iterator[None]:
    """Whatever goes wrong inside is no fault of the run."""
    try:
        yield
    except Exception as error:
        raise _Around(error) from error


def _require(settings: RunSettings, store: Store) -> None:
    """Refuse a run that is made with others of which some failed."""
    if lacking := [need.label() for need in settings.needs() if not store.is_done(need.key)]:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise DataError(f"it needs a run that failed: {lacking[0]}{more}.")


def _derive(settings: RunSettings, host: Host) -> Results:
    """A run that trains nothing: no round but the last, and no model of its own."""
    with _around():
        stop = host.hooks.stop()
    if stop:
        raise Interrupted(f"{settings.label()} stopped before it began.")
    predictions, cost = derive(settings, host.store, host.device)
    figures: Figures = {"round": settings.rounds, "train_loss": float("nan"), "cohort": 0}
    if "validation" in predictions:
        probs = torch.from_numpy(predictions["validation"])
        labels = client_labels(settings, load_dataset(settings.dataset))
        known = torch.from_numpy(labels[predictions["validation_rows"]])
        figures |= scores(probs[None], onehot(known, probs.shape[-1])[None])[0]
    with _around():
        host.hooks.after_round(settings, figures)
    return Results(
        record=_origin(settings, host) | cost | _environment(),
        rounds=[figures],
        model={},
        predictions=predictions,
    )


def _run(settings: RunSettings, host: Host, meter: Meter) -> Generator[Waits, Any, Results]:
    """A run that trains."""
    prepared = prepare(settings, host.store, host.device, host.planted)
    ended, strategy = yield from _train(prepared, host, meter)
    parameters = ended.kept.parameters(prepared.task.inputs.device)
    return Results(
        record={
            **_origin(settings, host),
            "seconds": ended.seconds + meter.so_far,
            "votes_bought": prepared.votes_bought,
            "bytes_sent": int(sum(figures["sent"] for figures in ended.rounds)),
            "mishaps": _mishaps(prepared.task, ended.rounds, ended.lost),
            "round_kept": ended.kept.number,
            "privacy": prepared.spent,
            **_judged(strategy),
            "targets": prepared.summary,
            "softness": prepared.softness,
            "quality": _true(prepared),
            "crowd": prepared.dataset.crowd,
            **_environment(),
        },
        rounds=ended.rounds,
        model=ended.kept.arrays,
        predictions=_predictions(prepared, parameters) | training_map(prepared, ended.seen),
    )


def _train(prepared: Prepared, host: Host, meter: Meter) -> Generator[Waits, Any, tuple[Standing, Strategy]]:
    """The rounds that are left.

    Returns:
        where the run stands after them, and the strategy as it ended.
    """
    settings, task, store = prepared.settings, prepared.task, host.store
    at, grid = AtServer.of(task), host.make_grid(task)
    build = partial(built, settings.strategy, prepared, at)
    strategy = build()
    by_validation = settings.training.stop == "best_validation"
    now = restored(prepared, strategy, store.checkpoint(settings.key))
    if now is None:
        strategy = build()  # anew: part of a damaged state may be in it
        now = begun(prepared)
        now.rounds.append((yield from _score(prepared, now.state)))
    before = now.seconds
    saved_at = time.monotonic()
    config = {
        "store": str(store.root.resolve()),
        "run": settings.key,
        "device": str(task.inputs.device),
        **asked_of_clients(prepared.protection),
    }
    while now.state.number < settings.rounds:
        try:
            state = now.state = yield from play_round(
                strategy, grid, now.state, config, partial(_suits, settings.strategy), now.attempt
            )
            now.attempt = 0
        except RoundError as error:
            if error.untouched:
                now.attempt, now.seconds = now.attempt + 1, before + meter.so_far
                with _around():
                    store.save_checkpoint(settings.key, *to_checkpoint(now, strategy))
            raise
        now.lost += [asdict(failure) for failure in state.failures]
        now.rounds.append((yield from _score(prepared, state)))
        with _around():
            host.hooks.after_round(settings, now.rounds[-1])
            stop = host.hooks.stop() and state.number < settings.rounds
        if not by_validation:
            now.kept = state
        elif now.rounds[-1]["nll"] < now.rounds[now.kept.number]["nll"]:
            now.kept = state.apart()
        now.seen = now.seen and follow(prepared, now.seen, state)
        if stop or time.monotonic() - saved_at > CHECKPOINT_SECONDS:
            saved_at, now.seconds = time.monotonic(), before + meter.so_far
            with _around():
                store.save_checkpoint(settings.key, *to_checkpoint(now, strategy))
        if stop:
            raise Interrupted(f"{settings.label()} stopped after round {state.number}.")
    now.seconds = before
    return now, strategy


def _true(prepared: Prepared) -> dict[str, list[float]]:
    """How good each client's annotation really is, where there are not too many to list."""
    if len(prepared.task.train) > LISTED:
        return {}
    return {name: np.round(found, 6).tolist() for name, found in prepared.quality.items()}


def _judged(strategy: Strategy) -> dict[str, list[float | None]]:
    """How good the strategy holds each client's annotation to be, where it judges clients."""
    found = strategy.quality_found() if isinstance(strategy, Weighing) else None
    if found is None or len(found) > LISTED:
        return {}
    return {"estimated_quality": [None if np.isnan(one) else round(float(one), 6) for one in found]}


def _suits(strategy: StrategyOptions, size: int) -> bool:
    """Whether a strategy can work with so many updates."""
    try:
        strategy.check_cohort(size)
    except ValueError:
        return False
    return True


def _score(prepared: Prepared, state: RoundResult) -> Generator[Waits, Any, Figures]:
    """A round's figures."""
    try:
        figures: Figures = yield Scoring(prepared, state)
        return figures
    except Exception as error:
        detail = "".join(traceback.format_exception(error))
        number = state.number
        raise RoundError(
            f"the model of round {number} cannot be scored: {in_a_line(error)}", number, detail=detail
        ) from error


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
            arrays[name] = predict(prepared.task.model, parameters, inputs).contiguous().cpu().numpy()
            arrays[f"{name}_rows"] = rows.astype(np.int32)
    return arrays


def _mishaps(task: Task, rounds: list[Figures], lost: list[dict[str, Any]]) -> dict[str, Any]:
    """What went wrong with clients: of how many updates asked for the clients were dropped, late, failed by
    chance and raised, how many rounds had too few, and the first clients that raised."""
    raised = [one for one in lost if not one["chance"]]
    return {
        "asked": sum(len(task.cohort(number)) for number in range(1, len(rounds))),
        "dropped": int(sum(figures["dropped"] for figures in rounds)),
        "late": int(sum(figures["late"] for figures in rounds)),
        "failed": len(lost) - len(raised),
        "raised": len(raised),
        "void": sum(figures["cohort"] == 0 for figures in rounds[1:]),
        "first": raised[:FIRST],
    }


def _origin(settings: RunSettings, host: Host) -> dict[str, Any]:
    """Which run it is, and what executed it."""
    return {
        "label": settings.label(),
        "engine": host.engine,
        "device": host.device,
        "card": torch.cuda.get_device_name(host.device) if host.device.startswith("cuda") else None,
        "precision": settings.precision,
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
        **{name: _version(name) for name in packages},
    }


def _version(package: str) -> str | None:
    """A package's version; None where it is not installed, as Ray may not be."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
