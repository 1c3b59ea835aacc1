"""Runs executed where neither the study's folder nor its data files are: values come in, values go out."""

import logging
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fedsoft.errors import FedsoftError
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.federation.programs import Stack
from fedsoft.study.failures import Failure
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store

SECONDS_BETWEEN_NEWS = 0.5

News = tuple[str, tuple[Any, ...]]
"""A method of the driver's store or a hook of its runs, or ``begins``, and its arguments."""


@dataclass
class Post:
    """Carries news to the driver, in order, and brings back whether to stop.

    Attributes:
        leave: delivers some news, and answers whether the study is to stop.
    """

    leave: Callable[[list[News]], bool]
    news: list[News] = field(default_factory=list)
    stopped: bool = False
    sent: float = -np.inf

    def say(self, what: str, *arguments: Any) -> None:
        """Note some news, to be sent with the next."""
        self.news.append((what, arguments))

    def send(self) -> None:
        """Deliver all news now."""
        self.stopped, self.news = self.leave(self.news), []
        self.sent = time.monotonic()

    def stop(self) -> bool:
        """Whether the study is to stop, as far as is known: asked now and then."""
        if time.monotonic() - self.sent > SECONDS_BETWEEN_NEWS:
            self.send()
        return self.stopped


@dataclass(frozen=True)
class Needed:
    """What a run leaves for those that are made with it."""

    record: dict[str, Any]
    predictions: dict[str, np.ndarray]


@dataclass(frozen=True)
class WorkerStore(Store):
    """A store in a worker's memory: it reads what it was sent, and has the driver write.

    Attributes:
        needed: finished runs that the worker's runs need, by key.
        checkpoints: where its runs stand, by key, as `Store.checkpoint` gives it.
        post: the way to the driver.
    """

    needed: Mapping[str, Needed]
    checkpoints: Mapping[str, tuple[dict[str, np.ndarray], dict[str, Any]]]
    post: Post

    def is_done(self, key: str) -> bool:
        """Whether a run's results were sent along."""
        return key in self.needed

    def record(self, key: str) -> dict[str, Any]:
        """What is known of a needed run."""
        return self.needed[key].record

    def predictions(self, key: str, parts: Sequence[str] = ("",)) -> dict[str, np.ndarray]:
        """Predictions of a needed run."""
        kept = self.needed[key].predictions
        return {name: array for name, array in kept.items() if name.startswith(tuple(parts))}

    def checkpoint(self, key: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Where a run stood when it was sent to this worker, or None."""
        return self.checkpoints.get(key)

    def save_settings(self, settings: RunSettings) -> None:
        """Have the driver write what determines a run."""
        self.post.say("save_settings", settings)

    def fail(self, key: str, failure: Failure) -> None:
        """Have the driver write why a run cannot be done."""
        self.post.say("fail", key, failure)
        self.post.send()

    def save_checkpoint(self, key: str, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> None:
        """Have the driver write where a run stands."""
        self.post.say("save_checkpoint", key, arrays, state)
        self.post.send()

    def finish(
        self,
        key: str,
        record: Mapping[str, Any],
        rounds: list[dict[str, float]],
        model: Mapping[str, np.ndarray],
        predictions: Mapping[str, np.ndarray],
    ) -> None:
        """Have the driver write a run's results."""
        self.post.say("finish", key, record, rounds, model, predictions)
        self.post.send()


def work(
    runs: Sequence[RunSettings],
    needed: Mapping[str, Needed],
    checkpoints: Mapping[str, tuple[dict[str, np.ndarray], dict[str, Any]]],
    device: str,
    stack: Stack,
    leave: Callable[[list[News]], bool],
) -> FedsoftError | None:
    """Execute some runs in lockstep on one thread of this process; the problem that ended them early, if any.

    All their news has been delivered when this returns.
    """
    torch.set_num_threads(1)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    # What other processes share cannot be written to, which is as it should be.
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
    post = Post(leave)
    post.say("begins", [run.key for run in runs])
    if post.stop():
        return Interrupted("stopped before it began.")
    # A folder that cannot be: whatever would read or write files fails at once, on this machine too.
    store = WorkerStore(Path(os.devnull), needed, checkpoints, post)
    hooks = Hooks(
        after_round=lambda run, figures: post.say("after_round", run, figures),
        stop=post.stop,
        failed=lambda run: post.say("failed", run),
    )
    try:
        execute_together(runs, store, stack, device, hooks)
    except FedsoftError as error:
        return error
    finally:
        post.send()
    return None
