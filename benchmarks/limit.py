"""The limit: the gradient arithmetic of a round's examples, stacked, and nothing else.

Batches are drawn and gathered before the clock starts; there is no strategy, no record and no evaluation.
"""

import time
from collections.abc import Sequence

import torch

from fedsoft.federation import Task
from fedsoft.streams import stream
from fedsoft.training import Parameters, plan_steps
from fedsoft.training.steps import Steps


def draw(task: Task, number: int, clients: Sequence[int]) -> Steps:
    """The batches of some clients in a round."""
    rngs = [stream("benchmark", place=place, round=number) for place in range(len(clients))]
    return plan_steps([task.train.of(client) for client in clients], task.training, rngs)


@torch.no_grad()
def train(task: Task, start: Parameters, steps: Steps) -> tuple[Parameters, float]:
    """Plain SGD of all clients of a stack: their parameters, longest first, and the seconds that it took."""
    active = steps.active.tolist()
    rows = torch.from_numpy(steps.rows)
    x, targets, weights = (part.split(active) for part in (
        task.inputs[rows], task.targets[rows], torch.from_numpy(steps.weights)
    ))  # fmt: skip
    lr, loss = task.training.lr, task.training.loss
    parameters = {name: value.clone() for name, value in start.items()}
    began = time.perf_counter()
    for step, k in enumerate(active):
        now = {name: value[:k] for name, value in parameters.items()}
        task.model.accumulate(now, x[step], targets[step], weights[step], loss, now, 1.0, -lr)
    return parameters, time.perf_counter() - began
