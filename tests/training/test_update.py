"""The local update on K stacked clients is torch's SGD on each."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import MODELS, Guidance, Training, local_update, plan_steps

INPUTS, CLASSES, BATCH = (1, 4, 4), 3, 4
SIZES = (3, 1, 11, 4, 8)
"""Fewer examples than a batch, one, more than a batch, exactly a batch, and two."""
ROWS = np.split(stream("rows").permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])
SMALL = {
    "mlp": {"hidden": [6]},
    "cnn": {"channels": [4, 8], "groups": 2},
    "resnet": {"blocks": [1, 1], "width": 4, "groups": 2},
}
ALL = [MODELS.parse({"name": name, **SMALL.get(name, {})}) for name in MODELS.names() if name != "module"]
SETTINGS = {
    "plain": ({}, 0.0),
    "momentum": ({"momentum": 0.9}, 0.0),
    "weight decay": ({"weight_decay": 0.05}, 0.0),
    "proximal": ({}, 0.7),
    "all": ({"momentum": 0.5, "weight_decay": 0.05, "epochs": 3}, 0.7),
}
DEVICE = "cuda" if torch.cuda.is_available() else "meta"

each_model = pytest.mark.parametrize("model", ALL, ids=lambda model: model.name)
each_setting = pytest.mark.parametrize("setting", SETTINGS)


@pytest.fixture
def data():
    rng = stream("data")
    x = rng.standard_normal((sum(SIZES), *INPUTS)).astype(np.float32)
    targets = rng.dirichlet(np.ones(CLASSES), sum(SIZES)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(targets)


def options(setting):
    choice, mu = SETTINGS[setting]
    return Training(batch_size=BATCH, lr=0.3, **{"epochs": 2, **choice}), mu


def rngs(clients):
    return [stream("batch order", client=k) for k in clients]


def initial(model):
    return {name: torch.from_numpy(a) for name, a in model.initial(INPUTS, CLASSES, stream("w")).items()}


def copies(model, clients):
    return {name: value.expand(clients, *value.shape) for name, value in initial(model).items()}


def stacked(model, data, setting, clients):
    training, mu = options(setting)
    steps = plan_steps([ROWS[k] for k in clients], training, rngs(clients))
    return local_update(model, copies(model, len(clients)), *data, steps, training, training.lr, Guidance(mu))


def one_by_one(module, x, targets, rows, rng, setting):
    """One client's local training as a page of PyTorch, and its mean loss over steps."""
    training, mu = options(setting)
    start = [p.detach().clone() for p in module.parameters()]
    sgd = torch.optim.SGD(
        module.parameters(), training.lr, momentum=training.momentum, weight_decay=training.weight_decay
    )
    losses = []
    for _ in range(training.epochs):
        order = rng.permutation(rows)
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            loss = torch.nn.functional.cross_entropy(module(x[batch]), targets[batch])
            pull = sum(((p - s) ** 2).sum() for p, s in zip(module.parameters(), start, strict=True))
            sgd.zero_grad()
            (loss + mu / 2 * pull).backward()
            sgd.step()
            losses.append(loss.item())
    return np.mean(losses)


@each_model
@each_setting
def test_stacked_clients_train_as_one_by_one(model, setting, data, reference, read_back):
    parameters, losses = stacked(model, data, setting, range(len(SIZES)))
    for k, rng in enumerate(rngs(range(len(SIZES)))):
        module = reference(model, initial(model), INPUTS)
        loss = one_by_one(module, *data, ROWS[k], rng, setting)
        assert float(losses[k]) == pytest.approx(loss, abs=1e-5)
        for name, value in read_back(list(parameters), module).items():
            torch.testing.assert_close(parameters[name][k], value, rtol=0, atol=1e-5)


@each_model
@each_setting
def test_a_stack_of_one_is_the_same(model, setting, data):
    together, losses = stacked(model, data, setting, range(len(SIZES)))
    for k in range(len(SIZES)):
        alone, loss = stacked(model, data, setting, [k])
        torch.testing.assert_close(loss[0], losses[k], rtol=0, atol=1e-6)
        for name, value in alone.items():
            torch.testing.assert_close(value[0], together[name][k], rtol=0, atol=1e-6)


@each_model
@pytest.mark.parametrize("clients", [[0], [0, 1, 2]])
def test_the_global_model_stays_as_it_is(model, clients, data):
    start, training = copies(model, len(clients)), Training(batch_size=BATCH, momentum=0.5)
    steps = plan_steps([ROWS[k] for k in clients], training, rngs(clients))
    parameters, _ = local_update(model, start, *data, steps, training, lr=0.1, guidance=Guidance(0.1))
    for name, value in initial(model).items():
        assert (start[name] == value).all()
        assert (parameters[name] != value).any()


@each_model
def test_a_stronger_pull_stays_nearer(model, data):
    training, distances = Training(batch_size=BATCH, epochs=5), []
    for mu in (0.0, 0.5, 5.0):
        steps = plan_steps(ROWS, training, rngs(range(len(SIZES))))
        parameters, _ = local_update(
            model, copies(model, len(SIZES)), *data, steps, training, 0.1, Guidance(mu)
        )
        moved = [(parameters[name] - value).square().sum() for name, value in initial(model).items()]
        distances.append(float(sum(moved)))
    assert distances == sorted(distances, reverse=True)


def test_the_pull_by_hand():
    """A weight of zero input never has a gradient of its own: after one step of weight decay, the pull.

    w0 = 1; step 1: w = 1 - lr·wd = 0.9; step 2: w = 0.9 - lr·(wd·0.9 + mu·(0.9 - 1)) = 0.9 - 0.07.
    """
    model, training = MODELS.parse("linear"), Training(weight_decay=1.0, epochs=2, batch_size=1)
    start = {"layer0.weight": torch.ones(1, 2, 1), "layer0.bias": torch.zeros(1, 2)}
    steps = plan_steps([np.array([0])], training, [stream("order")])
    after, _ = local_update(
        model,
        start,
        torch.zeros(1, 1),
        torch.full((1, 2), 0.5),
        steps,
        training,
        lr=0.1,
        guidance=Guidance(2.0),
    )
    torch.testing.assert_close(after["layer0.weight"], torch.full((1, 2, 1), 0.83))


@each_model
def test_everything_stays_on_the_device_of_its_inputs(model, data):
    training = Training(batch_size=BATCH, momentum=0.5, weight_decay=0.1)
    steps = plan_steps(ROWS, training, rngs(range(len(SIZES))))
    start = {name: value.to(DEVICE) for name, value in copies(model, len(SIZES)).items()}
    x, targets = (part.to(DEVICE) for part in data)
    parameters, losses = local_update(model, start, x, targets, steps, training, 0.1, Guidance(0.5))
    assert (losses.device.type, losses.shape) == (DEVICE, (len(SIZES),))
    for name, value in parameters.items():
        assert (value.device.type, value.shape) == (DEVICE, start[name].shape)
