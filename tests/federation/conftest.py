"""Small runs over uneven clients, and a grid whose clients answer by a script."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from flwr.app import Message, MetricRecord, RecordDict
from flwr.serverapp.strategy import Strategy

from fedsoft.federation import STRATEGIES, StrategyOptions, Task
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import CohortGrid, InProcessGrid
from fedsoft.federation.records import to_arrays, to_record
from fedsoft.federation.results import RoundResult
from fedsoft.federation.rounds import Wait, play_round
from fedsoft.scenarios import Clients
from fedsoft.streams import stream
from fedsoft.training import MODELS, Training

SIZES = (3, 0, 1, 8, 21, 12)
"""With batches of eight: fewer than one, no example at all, a single one, exactly a batch, more."""
NETS = Path(__file__).parents[1] / "nets.py"
SMALL = {
    "mlp": {"hidden": [6]},
    "cnn": {"channels": [4, 8], "groups": 2},
    "resnet": {"blocks": [1, 1], "width": 4, "groups": 2},
    "module": {"factory": f"{NETS}:conv"},
}


@pytest.fixture(autouse=True, scope="session")
def _quiet() -> None:
    logging.getLogger("flwr").setLevel(logging.ERROR)


@pytest.fixture(scope="session")
def make_task() -> Callable[..., Task]:
    """Builds a run on 4×4 images of three classes, whose server knows them unlabelled."""

    def make(
        model: str = "mlp",
        sizes: Sequence[int] = SIZES,
        participation: float = 1.0,
        seed: int = 0,
        training: Training | None = None,
    ) -> Task:
        n, rng = sum(sizes), stream("small run")
        return Task(
            run="small run",
            seed=seed,
            model=MODELS.parse({"name": model, **SMALL.get(model, {})}),
            training=training or Training(batch_size=8, lr=0.2, momentum=0.5, lr_decay=0.9),
            participation=participation,
            inputs=torch.from_numpy(rng.standard_normal((n, 1, 4, 4)).astype(np.float32)),
            targets=torch.from_numpy(rng.dirichlet(np.ones(3), n).astype(np.float32)),
            train=Clients.deal(rng.permutation(n), np.repeat(np.arange(len(sizes)), sizes), len(sizes)),
            unlabelled=np.arange(n),
        )

    return make


def _alone(wants: Wait) -> Any:
    """What a run waits for, or the exception that comes instead, as those who execute runs give it."""
    try:
        return wants.alone()
    except Exception as error:
        return error


def _federate(
    strategy: str | dict[str, Any] | Strategy,
    grid: CohortGrid,
    rounds: int,
    start: RoundResult | None = None,
    config: Mapping[str, str] | None = None,
) -> list[RoundResult]:
    if not isinstance(strategy, Strategy):
        strategy = STRATEGIES.parse(strategy).build(AtServer.of(grid.task))
    state, results = start or RoundResult(0, grid.task.initial(), float("nan"), 0), []
    while state.number < rounds:
        at_work, answer = play_round(strategy, grid, state, config), None
        try:
            while True:
                wants = at_work.throw(answer) if isinstance(answer, Exception) else at_work.send(answer)
                answer = _alone(wants)
        except StopIteration as end:
            state = end.value
        results.append(state)
    return results


@pytest.fixture(scope="session")
def federate() -> Callable[..., list[RoundResult]]:
    """Plays all rounds of one run by itself: the result of each, in order."""
    return _federate


AT = AtServer(MODELS.parse("linear"), Training(), 5, 3, torch.empty(0, 4), 0, np.ones(5, int))


@pytest.fixture(scope="session")
def at() -> AtServer:
    """A server of a linear model that holds no examples."""
    return AT


ALIKE = {
    "disagreement": lambda examples: [0.0, float(examples), 0.0, 0.0, float(examples)],
    "misfit": lambda examples: [float(examples), 0.0],
    "overlap": lambda examples: [float(examples), 0.0],
}
"""What a client of so many examples tells where all are alike."""


class ScriptedGrid(InProcessGrid):
    """Client k adds ``updates[k]`` to the one weight of the model, and claims ``weights[k]`` examples.

    It tells ``told[k]`` when asked for a report; by default the same of every example.
    """

    def __init__(
        self, updates: Sequence[float], weights: Sequence[int], told: Sequence[list[float]] | None = None
    ) -> None:
        everyone = list(range(len(updates)))
        super().__init__(
            SimpleNamespace(cohort=lambda _: everyone, fates=lambda *_: None, enough=0.5, secure_sum=None),
            messages=True,
        )
        self.updates, self.weights, self.configs = updates, weights, []
        self.told = told
        self.anchors = []

    def exchange(self, partitions, messages, timeout):
        self.configs.append(dict(messages[0].content["config"]))
        self.anchors.append([message.content["config"].get("anchor") for message in messages])
        reports = self.configs[-1].get("report", "").split()
        replies = []
        for k, update, weight, message in zip(partitions, self.updates, self.weights, messages, strict=True):
            moved = {name: a + np.float32(update) for name, a in to_arrays(message.content["arrays"]).items()}
            metrics = MetricRecord(
                {"num-examples": weight, "partition-id": k, "train-loss": float(update), "distance": 1.0}
                | {name: self.told[k] if self.told else ALIKE[name](weight) for name in reports}
            )
            content = RecordDict({"arrays": to_record(moved), "metrics": metrics})
            replies.append(Message(content, reply_to=message))
        return replies


class Played(SimpleNamespace):
    """The model's one weight after each round, the last result, what clients were sent, and the strategy."""


@pytest.fixture
def play() -> Callable[..., Played]:
    """Plays rounds of scripted updates through a strategy, from a weight of 0."""

    def run(
        options: StrategyOptions,
        updates: Sequence[float],
        weights: Sequence[int] | None = None,
        rounds: int = 1,
        told: Sequence[list[float]] | None = None,
    ) -> Played:
        grid = ScriptedGrid(updates, weights or [1] * len(updates), told)
        start, strategy = RoundResult(0, {"w": np.zeros(1, np.float32)}, float("nan"), 0), options.build(AT)
        after = _federate(strategy, grid, rounds, start)
        return Played(
            path=[float(r.arrays["w"][0]) for r in after],
            last=after[-1],
            configs=grid.configs,
            anchors=grid.anchors,
            strategy=strategy,
        )

    return run
