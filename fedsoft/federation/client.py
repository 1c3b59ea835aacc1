"""The client's side: train on a message, and answer it."""

import traceback
from collections.abc import Callable, Sequence

import numpy as np
import torch
from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fedsoft.federation.records import to_arrays, to_parameters, to_record
from fedsoft.federation.task import Task
from fedsoft.streams import stream
from fedsoft.training import local_update, plan_mixing, plan_steps

FAILED = 2
"""Flower's error code of a client that raised."""


def answer(task: Task, partitions: Sequence[int], messages: Sequence[Message]) -> list[Message]:
    """Train the clients of a round that got the same model, as one tensor program, and build their replies.

    Args:
        task: the run.
        partitions: the clients.
        messages: one train message for each, all with equal content.
    """
    content = messages[0].content
    config: ConfigRecord = content["config"]
    server_round = int(config["server-round"])

    def named(purpose: str) -> list[np.random.Generator]:
        return [stream(purpose, seed=task.seed, client=p, round=server_round) for p in partitions]

    examples = [task.train.of(partition) for partition in partitions]
    targets, delivered = task.targets, None
    if task.delivery:
        targets = torch.cat([targets, torch.eye(targets.shape[1]).to(targets)])
    if task.delivery or task.places is not None:
        delivered = [task.delivered(partition, server_round) for partition in partitions]
    steps = plan_steps(examples, task.training, named("batch order"), delivered)
    alpha = task.training.mixup
    parameters, losses = local_update(
        task.model,
        to_parameters(to_arrays(content["arrays"]), task.inputs.device),
        task.inputs,
        targets,
        steps,
        task.training,
        lr=task.training.lr * task.training.lr_decay ** (server_round - 1),
        proximal_mu=float(config.get("proximal-mu", 0.0)),
        mixing=plan_mixing(steps, alpha, named("mixup")) if alpha else None,
    )
    arrays = {name: value.cpu().numpy() for name, value in parameters.items()}
    replies = []
    for k, (partition, message) in enumerate(zip(partitions, messages, strict=True)):
        metrics = MetricRecord(
            {
                "num-examples": len(examples[k]),
                "partition-id": int(partition),
                "train-loss": float(losses[k]),
            }
        )
        record = to_record({name: array[k] for name, array in arrays.items()})
        replies.append(Message(RecordDict({"arrays": record, "metrics": metrics}), reply_to=message))
    return replies


def failed(message: Message, error: Exception) -> Message:
    """The reply of a client that raised: the traceback travels, so that the server can show it."""
    return Message(Error(code=FAILED, reason="".join(traceback.format_exception(error))), reply_to=message)


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
            return answer(task, [int(context.node_config["partition-id"])], [message])[0]
        except Exception as error:
            return failed(message, error)

    @app.query()
    def which(message: Message, context: Context) -> Message:
        """Tell the server which partition this node is: Flower does not."""
        number = MetricRecord({"partition-id": int(context.node_config["partition-id"])})
        return Message(RecordDict({"metrics": number}), reply_to=message)

    return app
