"""The limit: the gradient arithmetic of a round's examples, stacked, and nothing else.

Batches are drawn and gathered before the clock starts; there is no strategy, no record and no evaluation.
"""

import time

import torch

from fedsoft.federation import Task
from fedsoft.streams import stream
from fedsoft.training import Parameters, plan_steps
from fedsoft.training.steps import Steps


def draw(task: Task, number: int) -> Steps:
    """The batches of all clients in a round."""
    rngs = [stream("benchmark", client=int(client), round=number) for client in task.occupied]
    return plan_steps([task.train.of(client) for client in task.occupied], task.training, rngs)


@torch.no_grad()
def train(task: Task, start: Parameters, steps: Steps) -> tuple[Parameters, float]:
    """Plain SGD of all clients of a stack: their parameters, longest first, and the seconds that it took."""
    rows, weights = torch.from_numpy(steps.rows), torch.from_numpy(steps.weights)
    active = steps.active.tolist()
    batches = [
        (task.inputs[rows[:k, s]], task.targets[rows[:k, s]], weights[:k, s]) for s, k in enumerate(active)
    ]
    lr, loss = task.training.lr, task.training.loss
    parameters = {name: value.repeat(len(rows), *(1 for _ in value.shape)) for name, value in start.items()}
    began = time.perf_counter()
    for x, targets, weight in batches:
        now = {name: value[: len(x)] for name, value in parameters.items()}
        gradients, _ = task.model.gradients(now, x, targets, weight, loss)
        for name, value in now.items():
            value.sub_(gradients[name], alpha=lr)
    return parameters, time.perf_counter() - began
