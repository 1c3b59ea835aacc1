"""What a client does with a message: a whole small federation against a page of plain PyTorch."""

import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord
from torch.nn import functional

from fedsoft.federation import STRATEGIES, InProcessGrid, RoundResult, federate, to_record
from fedsoft.streams import stream
from fedsoft.training import Training

ROUNDS = 3


def plain_fedavg(task):
    """McMahan et al. 2017, algorithm 1, for a linear model: one client after the other, SGD by autograd."""
    world = [torch.from_numpy(array) for array in task.initial().values()]
    for number in range(1, ROUNDS + 1):
        lr = task.training.lr * task.training.lr_decay ** (number - 1)
        sums, examples = [torch.zeros_like(part) for part in world], 0
        for client in task.cohort(number):
            own = [part.clone().requires_grad_() for part in world]
            sgd = torch.optim.SGD(own, lr, momentum=task.training.momentum)
            rows = task.train.of(client)
            rng = stream("batch order", seed=task.seed, client=client, round=number)
            for _ in range(task.training.epochs):
                for batch in torch.from_numpy(rng.permutation(rows)).split(task.training.batch_size):
                    logits = task.inputs[batch].flatten(1) @ own[0] + own[1]
                    sgd.zero_grad()
                    functional.cross_entropy(logits, task.targets[batch]).backward()
                    sgd.step()
            for part, value in zip(sums, own, strict=True):
                part += len(rows) * value.detach()
            examples += len(rows)
        world = [part / examples for part in sums]
    return world


@pytest.mark.parametrize("participation", [1.0, 0.6])
@pytest.mark.parametrize("seed", [0, 1])
def test_fedavg_is_the_papers_algorithm(participation, seed, make_task):
    training = Training(batch_size=8, lr=0.4, lr_decay=0.5, momentum=0.5, epochs=2)
    task = make_task("linear", participation=participation, seed=seed, training=training)
    start = RoundResult(0, task.initial(), float("nan"), 0)
    last = federate(
        STRATEGIES.parse("fedavg").build(), InProcessGrid(task), ROUNDS, lambda result: None, start
    )
    for ours, plain in zip(last.arrays.values(), plain_fedavg(task), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-5)


def test_a_reply_tells_examples_partition_and_loss(make_task):
    task, strategy = make_task(), STRATEGIES.parse("fedavg").build()
    grid = InProcessGrid(task)
    grid.open_round(1)
    messages = strategy.configure_train(1, to_record(task.initial()), ConfigRecord(), grid)
    metrics = [reply.content["metrics"] for reply in grid.send_and_receive(messages)]
    assert [m["partition-id"] for m in metrics] == [0, 2, 3, 4, 5]
    assert [m["num-examples"] for m in metrics] == [3, 1, 8, 21, 12]
    assert all(np.isfinite(m["train-loss"]) for m in metrics)
