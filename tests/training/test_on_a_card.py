"""The local update on a card is that on a processor, to rounding, and what is measured there fits."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import (
    LOSSES,
    MODELS,
    Guidance,
    Training,
    local_update,
    measured_stack,
    plan_steps,
    repeat,
)
from fedsoft.training.convolution import FORMS, fastest

SIZES = (3, 1, 17, 4, 8, 90, 16)
"""Ragged: fewer examples than a batch, one, exactly some batches, so many that a card records steps."""
CLASSES, BATCH = 3, 4
NETS = {
    "linear": {"name": "linear"},
    "mlp": {"name": "mlp", "hidden": [16]},
    "cnn": {"name": "cnn", "channels": [8, 16]},
    "resnet": {"name": "resnet", "blocks": [1, 1], "width": 8},
}
SETTINGS = {
    "plain": ({}, 0.0),
    "all": ({"momentum": 0.5, "weight_decay": 0.05, "epochs": 2}, 0.7),
    "focal": ({"loss": {"name": "focal", "gamma": 2.0}}, 0.0),
}


def drawn(*shape):
    return torch.from_numpy(stream("card", shape=str(shape)).standard_normal(shape)).float()


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("net", NETS)
def test_ragged_clients_train_as_on_a_processor(net, setting, device):
    model, inputs, n = MODELS.parse(NETS[net]), (1, 6, 6), sum(SIZES)
    options, mu = SETTINGS[setting]
    training = Training(batch_size=BATCH, lr=0.1, **options)
    rows = np.split(np.arange(n), np.cumsum(SIZES)[:-1])
    steps = plan_steps(rows, training, [stream("order", client=k) for k in range(len(SIZES))])
    initial = model.initial(inputs, CLASSES, stream("w"))
    data = drawn(n, *inputs), drawn(n, CLASSES).softmax(1)
    found = {}
    for where in ("cpu", device):
        start = {k: torch.from_numpy(v).to(where).expand(len(SIZES), *v.shape) for k, v in initial.items()}
        x, targets = (part.to(where) for part in data)
        found[where] = local_update(model, start, x, targets, steps, training, 0.1, Guidance(mu))
    (there, losses), (here, own) = found["cpu"], found[device]
    assert {value.device.type for value in (*here.values(), own)} == {torch.device(device).type}
    torch.testing.assert_close(own.cpu(), losses, rtol=0, atol=1e-5)
    for name, value in there.items():
        torch.testing.assert_close(here[name].cpu(), value, rtol=0, atol=1e-5, msg=name)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("side", [8, 7])
def test_forms_are_exact(form, stride, side, device):
    """Against a processor's, in double; TF32 would be ten times further away."""
    images, weight = drawn(4, 40 * 3, side, side), drawn(40, 8, 3, 3, 3)
    found = {}
    for where, dtype in (("cpu", torch.float64), (device, torch.float32)):
        x, w = (part.to(where, dtype).requires_grad_() for part in (images, weight))
        out = FORMS[form](x, w, stride)
        slope = torch.ones_like(out).cumsum(1) / out.shape[1]
        found[where] = [part.double().cpu() for part in (out, *torch.autograd.grad(out, (x, w), slope))]
    for ours, theirs in zip(found[device], found["cpu"], strict=True):
        error = (ours - theirs).norm() / theirs.norm()
        assert error < 2e-5


def test_forms_are_timed(device):
    assert fastest(16, (8, 8, 8, 8), 16, 1, True, device, torch.float32, False) in FORMS


@pytest.mark.parametrize("net", NETS)
def test_a_stack_is_measured(net, device):
    stack = measured_stack(MODELS.parse(NETS[net]), LOSSES.parse("cross_entropy"), (1, 6, 6), 3, 8, device)
    assert stack == 2 ** (stack.bit_length() - 1)
    assert stack > 1  # a card, and a processor, does more of such small steps at once in less time


def test_recorded_steps_are_the_steps_bitwise(device, monkeypatch):
    """Forty-six steps of one shape; a processor records none."""
    model, training = MODELS.parse(NETS["mlp"]), Training(batch_size=BATCH, lr=0.2, epochs=2, momentum=0.9)
    x, targets = drawn(90, 16).to(device), drawn(90, CLASSES).softmax(1).to(device)
    steps = plan_steps([np.arange(90)] * 5, training, [stream("order", client=k) for k in range(5)])
    initial = model.initial((16,), CLASSES, stream("w"))
    start = {k: torch.from_numpy(v).to(device).expand(5, *v.shape) for k, v in initial.items()}
    monkeypatch.setattr(repeat, "_graphs", [])
    replayed, _ = local_update(model, start, x, targets, steps, training, 0.2)
    assert bool(repeat._graphs) == device.startswith("cuda")
    monkeypatch.setattr(repeat, "WORTH", 10**9)
    done, _ = local_update(model, start, x, targets, steps, training, 0.2)
    for name, value in done.items():
        assert torch.equal(replayed[name], value)
