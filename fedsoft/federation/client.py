"""The client's side: train on a message, and answer it."""

import traceback
from collections.abc import Callable, Sequence

import numpy as np
import torch
from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord
from flwr.clientapp import ClientApp

from fedsoft.errors import in_a_line
from fedsoft.federation import asks
from fedsoft.federation.asked import Asked
from fedsoft.federation.codes import FAILED, FAILING, NOT_FINITE, UNCLIPPED
from fedsoft.federation.guided import reports_of, seen_by
from fedsoft.federation.local import Trained, not_finite, train
from fedsoft.federation.protected import clipped, private_of, unsafe
from fedsoft.federation.records import RecordDict, to_arrays, to_parameters, to_record
from fedsoft.federation.reports import REPORTS
from fedsoft.federation.secure.client import STAGES, masked
from fedsoft.federation.tables import Table
from fedsoft.federation.task import Task

FAILED_BY_CHANCE = Error(FAILING, "it failed by chance, as scenario.mishaps says")


def answer(asked: Sequence[Asked]) -> list[Message]:
    """Train clients that are `Asked.like` each other, of one run or several, as one tensor program.

    Returns:
        their replies.
    """
    runs = {id(one.task): one for one in asked}
    place = {run: i for i, run in enumerate(runs)}
    device = asked[0].task.inputs.device
    models = [to_parameters(to_arrays(one.content["arrays"]), device) for one in runs.values()]
    starts = {name: torch.stack([model[name] for model in models]) for name in models[0]}
    table = Table.of([one.task for one in runs.values()])
    trained = train(asked, starts, place, table)
    unfit = not_finite(trained.parameters, trained.losses)
    arrays, losses = (
        {name: value.cpu().numpy() for name, value in trained.parameters.items()},
        trained.losses.tolist(),
    )
    return [
        Message(Error(NOT_FINITE, f"{unfit[k]} is not finite"), reply_to=one.message)
        if k in unfit
        else _reply(one, k, trained, {name: array[k] for name, array in arrays.items()}, losses[k])
        for k, one in enumerate(asked)
    ]


def _reply(one: Asked, k: int, trained: Trained, sent: dict[str, np.ndarray], loss: float) -> Message:
    """The reply of the client that was trained as number ``k`` of a program, with its model."""
    training = one.task.training
    metrics = MetricRecord(
        {"num-examples": one.examples, "partition-id": int(one.partition), "train-loss": loss}
    )
    if asks.UPDATE_CLIP in one.config:
        sent, within = clipped(one, sent)
        metrics[asks.WITHIN] = float(within)
    if private_of(one) and (wrong := unsafe(one, sent)):
        return Message(Error(UNCLIPPED, wrong), reply_to=one.message)
    if asks.CORRECTION in one.content:
        metrics["distance"] = trained.lr * training.epochs * -(-one.examples // training.batch_size)
    if trained.predicted is not None:
        seen = seen_by(one, trained.predicted[k], trained.features[k] if trained.features else None)
        for name in reports_of(one):
            metrics[name] = REPORTS[name](seen).flatten().tolist()
    reply = Message(RecordDict({"arrays": to_record(sent), "metrics": metrics}), reply_to=one.message)
    return reply if one.task.secure_sum is None else _masked(one, reply)


def _masked(one: Asked, reply: Message) -> Message:
    """The reply under masks; an error where that cannot be done, which concerns no other client."""
    try:
        return masked(one, reply)
    except Exception as error:
        return failed(one.message, error)


def tell(one: Asked) -> Message:
    """The reply of a client that is asked for something besides training, by the action of the message."""
    try:
        return STAGES[one.message.metadata.message_type.partition(".")[2]](one)
    except Exception as error:
        return failed(one.message, error)


def failing(message: Message) -> Message:
    """The reply of a client that fails because the scenario says so."""
    return Message(FAILED_BY_CHANCE, reply_to=message)


def failed(message: Message, error: Exception) -> Message:
    """The reply of a client that raised: its error in the first line, the traceback in those that follow."""
    reason = "\n".join([in_a_line(error), *traceback.format_exception(error)])
    return Message(Error(code=getattr(error, "code", FAILED), reason=reason), reply_to=message)


def train_one(one: Asked) -> Message:
    """The reply of a client that trains by itself, or fails as the scenario says."""
    return failing(one.message) if one.fails else answer([one])[0]


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
            return train_one(Asked(task, int(context.node_config["partition-id"]), message))
        except Exception as error:
            return failed(message, error)

    def answers(message: Message, context: Context) -> Message:
        try:
            task = load(message.content["config"])
            return tell(Asked(task, int(context.node_config["partition-id"]), message))
        except Exception as error:
            return failed(message, error)

    for action in STAGES:
        app.query(action)(answers)

    @app.query()
    def which(message: Message, context: Context) -> Message:
        """Tell the server which partition this node is: Flower does not."""
        number = MetricRecord({"partition-id": int(context.node_config["partition-id"])})
        return Message(RecordDict({"metrics": number}), reply_to=message)

    return app
