"""What a client does with a message: a whole small federation against a page of plain PyTorch."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord
from torch.nn import functional

from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_record
from fedsoft.streams import stream
from fedsoft.training import Deliveries, Multipass, Stochastic, Training, plan_augmentation

ROUNDS = 3


def delivered(task, client, past, server_round, epoch):
    """The table of targets as a client sees it in one local epoch."""
    targets = task.targets.clone()
    if task.delivery and (rule := task.delivery.of(client)):
        rows, key = task.train.of(client), {"seed": task.seed, "client": client, "round": server_round}
        classes = rule.classes(rows, past, stream("delivery", epoch=epoch, **key))
        targets[torch.from_numpy(rows)] = torch.eye(3)[torch.from_numpy(classes)]
    return targets


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
            for epoch in range(task.training.epochs):
                past = (number - 1) * task.training.epochs
                targets = delivered(task, client, past + epoch, number, epoch)
                for batch in torch.from_numpy(rng.permutation(rows)).split(task.training.batch_size):
                    logits = task.inputs[batch].flatten(1) @ own[0].T + own[1]
                    sgd.zero_grad()
                    functional.cross_entropy(logits, targets[batch]).backward()
                    sgd.step()
            for part, value in zip(sums, own, strict=True):
                part += len(rows) * value.detach()
            examples += len(rows)
        world = [part / examples for part in sums]
    return world


@pytest.fixture
def rules(make_task):
    """Of the mixed: one has its classes drawn, two have votes cycled, the others see soft labels whole."""
    targets = make_task().targets.numpy()
    votes = stream("votes").multinomial(5, targets.astype(float) / targets.sum(1, keepdims=True))
    multipass = Multipass.shuffled(votes, stream("vote order"))
    mixed = Deliveries((Stochastic(targets), multipass), np.array([0, -1, -1, -1, 1, 1]))
    return {"whole": None, "mixed": mixed}


@pytest.mark.parametrize("participation", [1.0, 0.6])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("delivery", ["whole", "mixed"])
def test_fedavg_is_the_papers_algorithm(participation, seed, delivery, make_task, rules, federate):
    training = Training(batch_size=8, lr=0.4, lr_decay=0.5, momentum=0.5, epochs=2)
    task = make_task("linear", participation=participation, seed=seed, training=training)
    task = replace(task, delivery=rules[delivery])
    last = federate("fedavg", InProcessGrid(task), ROUNDS)[-1]
    for ours, plain in zip(last.arrays.values(), plain_fedavg(task), strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-5)


def test_a_reply_tells_examples_partition_and_loss(make_task):
    task = make_task()
    strategy = STRATEGIES.parse("fedavg").build(AtServer.of(task))
    grid = InProcessGrid(task)
    grid.open_round(1)
    messages = strategy.configure_train(1, to_record(task.initial()), ConfigRecord(), grid)
    metrics = [reply.content["metrics"] for reply in grid.send_and_receive(messages)]
    assert [m["partition-id"] for m in metrics] == [0, 2, 3, 4, 5]
    assert [m["num-examples"] for m in metrics] == [3, 1, 8, 21, 12]
    assert all(np.isfinite(m["train-loss"]) for m in metrics)


@pytest.mark.parametrize("drawn", [{}, {"mixup": 0.3}, {"augment": "crops_and_flips"}])
def test_what_is_drawn_in_a_round_does_not_depend_on_the_stack(drawn, make_task, rules, federate):
    """Mixing, augmentation and delivery are drawn by client, round and epoch."""
    training = Training(batch_size=100, lr=0.2, epochs=2, **drawn)
    task = replace(make_task("linear", training=training), delivery=rules["mixed"])
    losses = [federate("fedavg", InProcessGrid(task, stack), 3)[-1].train_loss for stack in (1, 3, "all")]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)
    other = replace(task, seed=1)
    changed = federate("fedavg", InProcessGrid(other), 3)[-1]
    assert abs(changed.train_loss - losses[0]) > 1e-3


def test_images_are_shown_anew_to_each_client_in_each_round_of_each_seed(make_task, federate, monkeypatch):
    seen = []

    def spy(*given):
        seen.append(plan_augmentation(*given))
        return seen[-1]

    monkeypatch.setattr("fedsoft.federation.local.plan_augmentation", spy)
    for seed in (0, 1):
        task = make_task("linear", sizes=(9, 9), seed=seed, training=Training(augment="crops"))
        federate("fedavg", InProcessGrid(task, 1), 2)
    assert len({plan.corner.tobytes() for plan in seen}) == len(seen) == 2 * 2 * 2


def test_hard_labels_change_from_epoch_to_epoch_and_from_round_to_round(make_task, rules):
    task = replace(make_task(training=Training(epochs=3)), delivery=rules["mixed"])
    for client in (0, 4, 5):
        seen = np.concatenate([task.delivered(client, r) for r in (1, 2)])
        assert seen.shape == (6, task.train.sizes[client])
        assert (seen >= len(task.targets)).all()
        assert len({tuple(epoch) for epoch in seen.tolist()}) > 2
        np.testing.assert_array_equal(task.delivered(client, 2), seen[3:])  # in any order of calls
    np.testing.assert_array_equal(task.delivered(3, 1), [task.train.of(3)] * 3)


def test_over_rounds_every_vote_is_used_once(make_task, rules):
    """Five votes: two epochs a round for five rounds are two passes."""
    task = replace(make_task(training=Training(epochs=2)), delivery=rules["mixed"])
    rows, rule = task.train.of(5), rules["mixed"].of(5)
    classes = np.concatenate([task.delivered(5, r) for r in range(1, 6)]) - len(task.targets)
    for place, row in enumerate(rows):
        own = rule.votes[rule.first[row] : rule.first[row] + 5]
        np.testing.assert_array_equal(classes[:, place], [*own, *own])
