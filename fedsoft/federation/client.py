"""The client's side: train on a message, and answer it."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord
from flwr.clientapp import ClientApp
from torch import Tensor

from fedsoft.errors import in_a_line
from fedsoft.federation.records import RecordDict, to_arrays, to_parameters, to_record
from fedsoft.federation.task import Task
from fedsoft.streams import stream
from fedsoft.training import Parameters, local_update, plan_mixing, plan_steps

FAILED = 2
"""Flower's error code of a client that raised."""


@dataclass(frozen=True)
class Asked:
    """A client of a run, and the message that asks it to train."""

    task: Task
    partition: int
    message: Message

    @property
    def config(self) -> ConfigRecord:
        """What the server tells the client."""
        config: ConfigRecord = self.message.content["config"]
        return config

    @property
    def server_round(self) -> int:
        """The round."""
        return int(self.config["server-round"])

    @property
    def examples(self) -> int:
        """How many the client trains on."""
        return len(self.task.train.of(self.partition))

    def like(self, other: Self) -> bool:
        """Whether both can train in one tensor program: the same arithmetic on the same inputs."""
        mine, theirs = self.task, other.task
        return mine is theirs or (
            mine.inputs is theirs.inputs
            and mine.model == theirs.model
            and mine.training == theirs.training
            and mine.targets.shape[1] == theirs.targets.shape[1]
            and self.server_round == other.server_round
            and self.config.get("proximal-mu") == other.config.get("proximal-mu")
        )


def answer(asked: Sequence[Asked]) -> list[Message]:
    """Train clients that are `Asked.like` each other, of one run or several, as one tensor program.

    Returns:
        their replies.
    """
    training, device = asked[0].task.training, asked[0].task.inputs.device
    runs = {id(one.task): one for one in asked}
    place = {run: i for i, run in enumerate(runs)}
    run_of = torch.tensor([place[id(one.task)] for one in asked], device=device)
    starts = [to_parameters(to_arrays(one.message.content["arrays"]), device) for one in runs.values()]

    def named(purpose: str) -> list[np.random.Generator]:
        return [
            stream(purpose, seed=one.task.seed, client=one.partition, round=one.server_round) for one in asked
        ]

    examples = [one.task.train.of(one.partition) for one in asked]
    targets, given = _targets(asked, place)
    steps = plan_steps(examples, training, named("batch order"), given)
    parameters, losses = local_update(
        asked[0].task.model,
        _start(starts, run_of),
        asked[0].task.inputs,
        targets,
        steps,
        training,
        lr=training.lr * training.lr_decay ** (asked[0].server_round - 1),
        proximal_mu=float(asked[0].config.get("proximal-mu", 0.0)),
        mixing=plan_mixing(steps, training.mixup, named("mixup")) if training.mixup else None,
    )
    arrays, mean_losses = {name: value.cpu().numpy() for name, value in parameters.items()}, losses.tolist()
    replies = []
    for k, one in enumerate(asked):
        metrics = MetricRecord(
            {
                "num-examples": len(examples[k]),
                "partition-id": int(one.partition),
                "train-loss": mean_losses[k],
            }
        )
        record = to_record({name: array[k] for name, array in arrays.items()})
        replies.append(Message(RecordDict({"arrays": record, "metrics": metrics}), reply_to=one.message))
    return replies


def _start(starts: Sequence[Parameters], run_of: Tensor) -> Parameters:
    """Parameters (K, …) that K clients start from: those of each one's run (K,)."""
    if len(starts) == 1:
        return {name: value.expand(len(run_of), *value.shape) for name, value in starts[0].items()}
    return {name: torch.stack([start[name] for start in starts])[run_of] for name in starts[0]}


def _targets(asked: Sequence[Asked], place: Mapping[int, int]) -> tuple[Tensor, list[np.ndarray] | None]:
    """One table of the targets of several runs, one below the other, and where each client's stand in it.

    Args:
        asked: the clients.
        place: place of each run's table, by the identity of its task.

    Returns:
        the table, and for each client rows (epochs, examples) of it; None where these are its examples' own.
    """
    tasks = list({id(one.task): one.task for one in asked}.values())
    if len(tasks) == 1 and not tasks[0].delivery and tasks[0].places is None:
        return tasks[0].targets, None
    sizes = np.array([len(task.targets) for task in tasks])
    first, total = sizes.cumsum() - sizes, sizes.sum()
    onehot = torch.eye(tasks[0].targets.shape[1]).to(tasks[0].targets)
    given = []
    for one in asked:
        k, rows = place[id(one.task)], one.task.delivered(one.partition, one.server_round)
        # Hard labels, which all runs share, stand below all tables.
        given.append(np.where(rows < sizes[k], first[k] + rows, total - sizes[k] + rows))
    return torch.cat([*(task.targets for task in tasks), onehot]), given


def failed(message: Message, error: Exception) -> Message:
    """The reply of a client that raised: its error in the first line, the traceback in those that follow."""
    reason = "\n".join([in_a_line(error), *traceback.format_exception(error)])
    return Message(Error(code=FAILED, reason=reason), reply_to=message)


def make_client_app(load: Callable[[ConfigRecord], Task]) -> ClientApp:
    """A Flower ClientApp for simulations and deployments.

    Args:
        load: finds the run that a message's config names; called for every message, so it should cache.
    """
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        try:
            task = load(message.content["config"])
            return answer([Asked(task, int(context.node_config["partition-id"]), message)])[0]
        except Exception as error:
            return failed(message, error)

    @app.query()
    def which(message: Message, context: Context) -> Message:
        """Tell the server which partition this node is: Flower does not."""
        number = MetricRecord({"partition-id": int(context.node_config["partition-id"])})
        return Message(RecordDict({"metrics": number}), reply_to=message)

    return app
