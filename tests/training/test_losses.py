"""Each loss against a plain torch implementation of its formula, one batch at a time, and its limits."""

import pytest
import torch
from torch.nn import functional

from fedsoft.streams import stream
from fedsoft.training import LOSSES, MODELS, Model

K, B, CLASSES = 4, 7, 3
SIZES = (7, 3, 5, 1)
DEVICE = "cuda" if torch.cuda.is_available() else "meta"


def soft_cross_entropy(z, t):
    return functional.cross_entropy(z, t)


def focal(z, t, gamma=2.0):
    p = z.softmax(-1)
    return -(t * (1 - p).pow(gamma) * p.log()).sum(-1).mean()


def confidence_penalty(z, t, beta=0.1):
    return functional.cross_entropy(z, t) - beta * torch.distributions.Categorical(logits=z).entropy().mean()


def dca(z, t, beta=1.0):
    confidence, predicted = z.softmax(-1).max(-1)
    accuracy = t[torch.arange(len(t)), predicted].mean()
    return functional.cross_entropy(z, t) + beta * (confidence.mean() - accuracy).abs()


def mdca(z, t, beta=1.0):
    gaps = [abs(z.softmax(-1)[:, c].mean() - t[:, c].mean()) for c in range(t.shape[1])]
    return functional.cross_entropy(z, t) + beta * sum(gaps) / len(gaps)


PLAIN = {
    "cross_entropy": [({}, soft_cross_entropy)],
    "focal": [({}, focal)] + [({"gamma": g}, lambda z, t, g=g: focal(z, t, g)) for g in (0.5, 1.0, 3.0)],
    "confidence_penalty": [
        ({}, confidence_penalty),
        ({"beta": 2.0}, lambda z, t: confidence_penalty(z, t, 2.0)),
    ],
    "dca": [({}, dca), ({"beta": 10.0}, lambda z, t: dca(z, t, 10.0))],
    "mdca": [({}, mdca), ({"beta": 10.0}, lambda z, t: mdca(z, t, 10.0))],
}
CASES = [(LOSSES.parse({"name": n, **o}), plain) for n in LOSSES.names() for o, plain in PLAIN[n]]
LIMITS = [
    {"name": "focal", "gamma": 0},
    *({"name": n, "beta": 0} for n in ("confidence_penalty", "dca", "mdca")),
]

each = pytest.mark.parametrize(("loss", "plain"), CASES, ids=[loss.label() for loss, _ in CASES])


@pytest.fixture(params=["one-hot", "soft", "unprojected"])
def batch(request):
    """K uneven batches in float64; padding holds rubbish and has no weight."""
    rng = stream("losses")
    logits = torch.from_numpy(2 * rng.standard_normal((K, B, CLASSES)))
    targets = torch.from_numpy(rng.dirichlet([0.5] * CLASSES, (K, B)))
    if request.param == "one-hot":
        targets = functional.one_hot(targets.argmax(-1), CLASSES).double()
    elif request.param == "unprojected":
        targets = 2 * targets - 1 / CLASSES
        assert (targets < 0).any()
    weights = torch.zeros(K, B, dtype=torch.float64)
    for k, size in enumerate(SIZES):
        weights[k, :size] = 1 / size
        logits[k, size:], targets[k, size:] = 50.0, -3.0
    return logits, targets, weights


@each
def test_value_and_gradient_are_the_formulas(loss, plain, batch):
    logits, targets, _ = batch
    gradient, value = loss.gradient(*batch)
    torch.testing.assert_close(value, loss.value(*batch), rtol=1e-12, atol=1e-12)
    assert not gradient.requires_grad
    assert not value.requires_grad
    for k, size in enumerate(SIZES):
        z = logits[k, :size].clone().requires_grad_()
        expected = plain(z, targets[k, :size])
        expected.backward()
        torch.testing.assert_close(value[k], expected.detach(), rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(gradient[k, :size], z.grad, rtol=1e-10, atol=1e-12)
        assert not gradient[k, size:].any()


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit["name"])
def test_in_its_limit_a_loss_is_cross_entropy(limit, batch):
    here, there = (LOSSES.parse(choice).gradient(*batch) for choice in (limit, "cross_entropy"))
    for ours, cross_entropy in zip(here, there, strict=True):
        torch.testing.assert_close(ours, cross_entropy, rtol=1e-12, atol=1e-12)


@each
@pytest.mark.parametrize("model", ["linear", {"name": "mlp", "hidden": [5, 4]}], ids=str)
def test_a_perceptrons_written_out_gradient_is_autograds(loss, plain, model, batch, gradients_of):
    model, (_, targets, weights) = MODELS.parse(model), batch
    rng = stream("inputs")
    x = torch.from_numpy(rng.standard_normal((K, B, 6)))
    parameters = {
        name: torch.from_numpy(rng.standard_normal((K, *shape)))
        for name, shape in model.shapes((6,), CLASSES).items()
    }
    gradients, value = gradients_of(model, parameters, x, targets, weights, loss)
    by_autograd, value_there = Model.gradients(model, parameters, x, targets, weights, loss)
    torch.testing.assert_close(value, value_there, rtol=1e-10, atol=1e-12)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, by_autograd[name], rtol=1e-10, atol=1e-10)


@each
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_where_probabilities_round_to_zero_and_one(loss, plain, dtype):
    logits = torch.tensor([[[0.0, 400.0, -400.0], [30.0, 0.0, 0.0]]], dtype=dtype)
    targets = torch.eye(3, dtype=dtype)[torch.tensor([[0, 0]])]
    gradient, value = loss.gradient(logits, targets, torch.full((1, 2), 0.5, dtype=dtype))
    assert torch.isfinite(gradient).all()
    assert torch.isfinite(value).all()


@each
def test_everything_stays_on_the_device_of_its_inputs(loss, plain, batch):
    gradient, value = loss.gradient(*(part.to(DEVICE) for part in batch))
    assert (gradient.device.type, gradient.shape) == (DEVICE, (K, B, CLASSES))
    assert (value.device.type, value.shape) == (DEVICE, (K,))


def test_losses_by_hand():
    """Logits 0 and log 3: p = 1/4, 3/4; the target is the less likely class."""
    logits = torch.tensor([[[0.0, 3.0]]], dtype=torch.float64)
    logits[..., 1] = logits[..., 1].log()
    targets, weights = torch.tensor([[[1.0, 0.0]]]).double(), torch.ones(1, 1).double()
    value = {name: float(LOSSES.parse(name).value(logits, targets, weights)) for name in LOSSES.names()}
    log4 = float(torch.tensor(4.0).double().log())
    entropy = log4 / 4 + 0.75 * float(torch.tensor(4 / 3).double().log())
    assert value["cross_entropy"] == pytest.approx(log4)
    assert value["focal"] == pytest.approx(0.75**2 * log4)
    assert value["confidence_penalty"] == pytest.approx(log4 - 0.1 * entropy)
    assert value["dca"] == pytest.approx(log4 + 0.75)  # as confident as 3/4, never right
    assert value["mdca"] == pytest.approx(log4 + 0.75)  # both classes are off by 3/4


def test_two_wrongs_cancel_within_a_batch():
    """Calibration is a property of the batch: confident once too much and once too little is no gap."""
    logits = torch.tensor([[[0.0, 0.0], [0.0, 0.0]]])
    targets, weights = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]]), torch.full((1, 2), 0.5)
    for name in ("dca", "mdca"):
        here, there = (LOSSES.parse(n).value(logits, targets, weights) for n in (name, "cross_entropy"))
        torch.testing.assert_close(here, there)
