"""The limit to measure against: FedAvg as a plain PyTorch loop, one client after the other, no framework."""

import copy
import time
from collections import OrderedDict

import torch
from torch import Tensor, nn

from fedsoft.federation import Task
from fedsoft.streams import stream


def torch_model(task: Task) -> nn.Module:
    """The task's model as anyone would write it in torch.nn."""
    shape, options = tuple(task.inputs.shape[1:]), task.model.model_dump()
    classes = task.targets.shape[1]
    layers: list[nn.Module] = []
    if type(task.model).name == "cnn":
        width, side = shape[0], min(shape[1:])
        for channels in options["channels"]:
            layers += [nn.Conv2d(width, channels, 3, padding=1, bias=False)]
            layers += [nn.GroupNorm(options["groups"], channels), nn.ReLU()]
            if side > 1:
                layers, side = [*layers, nn.MaxPool2d(2)], side // 2
            width = channels
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
    width = task.inputs[0].numel()
    for hidden in options["hidden"]:
        layers, width = [*layers, nn.Linear(width, hidden), nn.ReLU()], hidden
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(width, classes))


def fit(model: nn.Module, inputs: Tensor, targets: Tensor, task: Task, order: Tensor) -> None:
    """One local epoch of SGD."""
    optimizer = torch.optim.SGD(model.parameters(), lr=task.training.lr)
    for batch in order.split(task.training.batch_size):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
        optimizer.step()


def run(task: Task, validation: Tensor, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each round: local training alone, and all of it (aggregation, evaluation)."""
    inputs = task.inputs.float() / 127.5 - 1 if task.inputs.dtype == torch.uint8 else task.inputs
    rng = stream("benchmark order")
    rows = [task.train.of(client) for client in task.occupied]
    weights = [len(part) / sum(map(len, rows)) for part in rows]
    model, training, whole = torch_model(task), [], []
    for _ in range(rounds):
        began = time.perf_counter()
        states = []
        for part in rows:
            local = copy.deepcopy(model)
            fit(local, inputs, task.targets, task, torch.from_numpy(rng.permutation(part)))
            states.append(local.state_dict())
        training.append(time.perf_counter() - began)
        mean = OrderedDict(
            (name, sum(w * state[name] for w, state in zip(weights, states, strict=True)))
            for name in states[0]
        )
        model.load_state_dict(mean)
        with torch.no_grad():
            nn.functional.cross_entropy(model(inputs[validation]), task.targets[validation])
        whole.append(time.perf_counter() - began)
    return training, whole
