"""The client's side: train on a message, and answer it."""

import traceback
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord
from flwr.clientapp import ClientApp
from torch import Tensor

from fedsoft.errors import in_a_line
from fedsoft.federation import asks
from fedsoft.federation.asked import Asked
from fedsoft.federation.codes import FAILED, FAILING, NOT_FINITE, UNCLIPPED
from fedsoft.federation.guided import (
    guidance_of,
    look_at_own,
    looks,
    replaced,
    replaces,
    reports_of,
    seen_by,
)
from fedsoft.federation.protected import clipped, private_of, private_steps, unsafe
from fedsoft.federation.records import RecordDict, to_arrays, to_parameters, to_record
from fedsoft.federation.reports import OF_FEATURES, REPORTS
from fedsoft.federation.secure.client import STAGES, masked
from fedsoft.federation.task import Task
from fedsoft.streams import stream
from fedsoft.training import (
    Parameters,
    features_of,
    local_update,
    plan_augmentation,
    plan_mixing,
    plan_samples,
    plan_steps,
    predict,
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
    reports = reports_of(asked[0])
    predicted = look_at_own(predict, asked, starts, place) if looks(asked[0]) else None
    features = look_at_own(features_of, asked, starts, place) if OF_FEATURES.intersection(reports) else None
    if predicted is not None and replaces(asked[0]):
        targets, given = replaced(asked, predicted, targets, given)
    rngs = named("private steps") if asks.EXAMPLE_CLIP in asked[0].config else []
    private = private_steps(asked, rngs)
    if private is None:
        steps = plan_steps(examples, training, named("batch order"), given)
    else:
        poisson = asked[0].config[asks.EXAMPLE_SAMPLING] == "poisson"
        steps = plan_samples(examples, training, rngs, poisson, given)
    augmentation = None
    if training.augment != "none":
        shape = asked[0].task.inputs.shape[1:]
        augmentation = plan_augmentation(steps, training.augment, shape, named("augmentation"))
    lr = training.lr * training.lr_decay ** (asked[0].server_round - 1)
    parameters, losses = local_update(
        asked[0].task.model,
        _start(starts, run_of),
        asked[0].task.inputs,
        targets,
        steps,
        training,
        lr=lr,
        guidance=guidance_of(asked, device),
        mixing=plan_mixing(steps, training.mixup, named("mixup")) if training.mixup else None,
        augmentation=augmentation,
        private=private,
    )
    arrays, mean_losses = {name: value.cpu().numpy() for name, value in parameters.items()}, losses.tolist()
    unfit = _not_finite(parameters, losses)
    replies = []
    for k, one in enumerate(asked):
        if k in unfit:
            replies.append(Message(Error(NOT_FINITE, f"{unfit[k]} is not finite"), reply_to=one.message))
            continue
        sent = {name: array[k] for name, array in arrays.items()}
        if asks.UPDATE_CLIP in one.config:
            sent, within = clipped(one, sent)
        if private_of(one) and (wrong := unsafe(one, sent)):
            replies.append(Message(Error(UNCLIPPED, wrong), reply_to=one.message))
            continue
        metrics = MetricRecord(
            {
                "num-examples": len(examples[k]),
                "partition-id": int(one.partition),
                "train-loss": mean_losses[k],
            }
        )
        if asks.UPDATE_CLIP in one.config:
            metrics[asks.WITHIN] = float(within)
        if asks.CORRECTION in one.message.content:
            metrics["distance"] = lr * training.epochs * -(-len(examples[k]) // training.batch_size)
        if predicted is not None:
            seen = seen_by(one, predicted[k], features[k] if features else None)
            for name in reports:
                metrics[name] = REPORTS[name](seen).flatten().tolist()
        reply = Message(RecordDict({"arrays": to_record(sent), "metrics": metrics}), reply_to=one.message)
        replies.append(reply if one.task.secure_sum is None else _masked(one, reply))
    return replies


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


def _not_finite(parameters: Parameters, losses: Tensor) -> dict[int, str]:
    """Clients whose update is not finite, each with the first parameter that is not, or the loss."""
    bad: dict[int, str] = {}
    for name, value in [*parameters.items(), ("the training loss", losses)]:
        finite = torch.isfinite(value).flatten(1).all(1) if value.ndim > 1 else torch.isfinite(value)
        if not finite.all():
            bad = dict.fromkeys((~finite).nonzero().flatten().tolist(), name) | bad
    return bad


def failing(message: Message) -> Message:
    """The reply of a client that fails because the scenario says so."""
    return Message(Error(FAILING, "it failed by chance, as scenario.mishaps says"), reply_to=message)


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
