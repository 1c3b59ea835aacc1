"""FedAvg as a plain PyTorch loop: one client after the other, no framework."""

import copy
import time
from collections import OrderedDict

import torch
from torch import Tensor, nn

from benchmarks.networks import as_float, network
from fedsoft.federation import Task
from fedsoft.streams import stream


def torch_model(task: Task) -> nn.Module:
    """The task's model in torch.nn."""
    options = {"name": type(task.model).name, **task.model.model_dump()}
    return network(options, tuple(task.inputs.shape[1:]), task.targets.shape[1])


def fit(model: nn.Module, inputs: Tensor, targets: Tensor, task: Task, orders: list[Tensor]) -> None:
    """SGD over a client's examples, in one order (n,) an epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=task.training.lr)
    for order in orders:
        for batch in order.split(task.training.batch_size):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()


def run(task: Task, validation: Tensor, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each round: local training alone, and all of it (aggregation, evaluation)."""
    inputs, rng = as_float(task.inputs), stream("benchmark order")
    rows = [task.train.of(client) for client in task.occupied]
    weights = [len(part) / sum(map(len, rows)) for part in rows]
    model, training, whole = torch_model(task), [], []
    for _ in range(rounds):
        began = time.perf_counter()
        states = []
        for part in rows:
            local = copy.deepcopy(model)
            orders = [torch.from_numpy(rng.permutation(part)) for _ in range(task.training.epochs)]
            fit(local, inputs, task.targets, task, orders)
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
