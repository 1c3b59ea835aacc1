"""What a server asks of local updates does what its formula says."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import LOSSES, MODELS, Guidance, Training, local_update, plan_steps
from fedsoft.training.guidance import Confused

K, B, C = 3, 5, 4
MODEL = MODELS.parse({"name": "mlp", "hidden": [6]})


def tensors(*shape):
    return torch.from_numpy(stream("guidance", size=str(shape)).standard_normal(shape)).double()


def rows(*shape):
    return tensors(*shape).softmax(-1)


def start():
    one = MODEL.initial((3,), C, stream("initial"))
    return {name: torch.from_numpy(a).expand(2, *a.shape) for name, a in one.items()}


def trained(training, guidance):
    x, targets = tensors(8, 3).float(), rows(8, C).float()
    order = [stream("order", client=k) for k in range(2)]
    steps = plan_steps([np.arange(3), np.arange(3, 8)], training, order)  # the second trains longer
    return local_update(MODEL, start(), x, targets, steps, training, training.lr, guidance)[0]


@pytest.mark.parametrize("loss", [name for name in LOSSES.names() if name != "dca"])  # its gap jumps
def test_the_gradient_through_a_confusion_is_autograds(loss):
    inner, confusion = LOSSES.parse(loss), rows(K, C, C)
    logits, targets, weights = tensors(K, B, C), rows(K, B, C), torch.full((K, B), 1 / B).double()
    gradient, value = Confused(inner, confusion).gradient(logits, targets, weights)
    leaf = logits.clone().requires_grad_()
    seen = torch.einsum("kbc,kcd->kbd", leaf.softmax(-1), confusion)
    expected = inner.value(seen.log(), targets, weights)
    expected.sum().backward()
    torch.testing.assert_close(gradient, leaf.grad)
    torch.testing.assert_close(value, expected.detach())


def test_forward_correction_is_least_at_the_truth():
    """Targets that are the truth seen through a confusion: there the gradient of cross-entropy vanishes."""
    truth, confusion = rows(1, B, C), 0.6 * torch.eye(C).double() + 0.4 * rows(1, C, C)
    targets, weights = truth @ confusion, torch.full((1, B), 1 / B).double()
    gradient, _ = Confused(LOSSES.parse("cross_entropy"), confusion).gradient(truth.log(), targets, weights)
    assert gradient.abs().max() < 1e-12


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5, "weight_decay": 0.1}])
def test_no_confusion_and_no_correction_change_nothing(options):
    training = Training(batch_size=2, epochs=2, lr=0.3, **options)
    zero = {name: torch.zeros_like(value) for name, value in start().items()}
    plain = trained(training, Guidance())
    guided = trained(training, Guidance(correction=zero, confusion=torch.eye(C).expand(2, C, C)))
    for name, value in plain.items():
        torch.testing.assert_close(guided[name], value, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_correction_is_added_to_every_gradient_of_its_client(momentum):
    """A weight of a hidden unit that is never active has no gradient of its own."""
    training = Training(batch_size=2, lr=0.3, momentum=momentum)
    first = start()
    first["layer0.bias"] = torch.full((2, 6), -100.0)
    correction = {name: torch.zeros(value.shape) for name, value in first.items()}
    correction["layer0.weight"][0] += 1.0
    correction["layer0.weight"][1] -= 2.0
    x, targets = tensors(8, 3).float(), rows(8, C).float()
    order = [stream("order", client=k) for k in range(2)]
    steps = plan_steps([np.arange(3), np.arange(3, 8)], training, order)  # two steps, and three
    after, _ = local_update(MODEL, first, x, targets, steps, training, 0.3, Guidance(correction=correction))
    moved = (after["layer0.weight"] - first["layer0.weight"]).flatten(1)
    gone = (2, 3) if not momentum else (1 + 1.5, 1 + 1.5 + 1.75)
    torch.testing.assert_close(moved[0], torch.full((18,), -0.3 * 1.0 * gone[0]))
    torch.testing.assert_close(moved[1], torch.full((18,), 0.3 * 2.0 * gone[1]))
