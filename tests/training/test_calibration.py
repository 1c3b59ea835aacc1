"""A calibration term weighted by similarity, against definitions and a plain loop."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import MODELS, Calibration, Guidance, Training, local_update, plan_steps
from fedsoft.training.calibration import Calibrated, cosine, linear_cka
from fedsoft.training.losses import GAPS, CrossEntropy, Dca, Focal, Mdca

K, B, C, BATCH = 3, 5, 4, 4
SIZES = (3, 9, 1)
each_gap = pytest.mark.parametrize("gap", GAPS)
each_similarity = pytest.mark.parametrize("similarity", ["cosine", "cka"])


def drawn(*shape):
    return torch.from_numpy(stream("calibration", size=str(shape)).standard_normal(shape))


def hsic_cka(x, y):
    """Kornblith et al. 2019, section 3: HSIC of linear kernels, centred by H on both sides."""
    n = len(x)
    H = np.eye(n) - 1 / n
    K, L = x @ x.T, y @ y.T

    def hsic(a, b):
        return np.trace(a @ H @ b @ H)

    return hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))


def test_linear_cka_is_normalised_hsic_of_the_examples_that_are_no_padding():
    x, y = drawn(2, B, 3), drawn(2, B, 6)
    weights = torch.full((2, B), 1 / B, dtype=torch.double)
    weights[1] = torch.tensor([1, 1, 1, 0, 0]).double() / 3
    expected = [hsic_cka(x[0].numpy(), y[0].numpy()), hsic_cka(x[1, :3].numpy(), y[1, :3].numpy())]
    np.testing.assert_allclose(linear_cka(x, y, weights), expected, rtol=1e-10)


def test_linear_cka_does_not_see_rotation_scale_or_shift():
    x = drawn(1, B, 3)
    turned = 3 * x @ torch.linalg.qr(drawn(3, 3))[0] + 7
    assert float(linear_cka(x, turned, torch.full((1, B), 0.2).double())) == pytest.approx(1)


def test_similarity_is_one_where_nothing_can_be_told():
    one = torch.ones(1, 1)
    assert float(linear_cka(drawn(1, 1, 3), drawn(1, 1, 3), one.double())) == 1
    assert float(cosine({"w": torch.zeros(1, 2)}, {"w": torch.ones(1, 2)})) == 1


def test_cosines_are_of_all_parameters_as_one_vector():
    # (1, 0, 2) and (2, 1, 0): 2 / 5; orthogonal; alike up to scale
    first = {
        "w": torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[1.0, 2.0]]]),
        "b": torch.tensor([[2.0], [0], [3]]),
    }
    second = {
        "w": torch.tensor([[[2.0, 1.0]], [[0.0, 1.0]], [[2.0, 4.0]]]),
        "b": torch.tensor([[0.0], [1], [6]]),
    }
    np.testing.assert_allclose(cosine(first, second), [0.4, 0, 1], atol=1e-7)


@each_gap
@pytest.mark.parametrize("loss", [CrossEntropy(), Focal()])
def test_the_gradient_is_autograds(gap, loss):
    logits, targets = drawn(K, B, C).requires_grad_(), drawn(K, B, C).softmax(-1)
    weights = drawn(K, B).softmax(-1)
    term = Calibrated(loss, GAPS[gap], lambda logits, weights: torch.tensor([0.3, 1.0, 0.0]).double())
    gradient, value = term.gradient(logits.detach(), targets, weights)
    expected = term.value(logits, targets, weights)
    torch.testing.assert_close(value, expected.detach())
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.sum(), logits)[0])
    own = loss.value(logits, targets, weights)
    torch.testing.assert_close(
        expected - own, torch.tensor([0.3, 1, 0]).double() * GAPS[gap](logits, targets, weights)
    )


@pytest.fixture
def data():
    rng = stream("calibration data")
    x = rng.standard_normal((sum(SIZES), 6)).astype(np.float32)
    targets = rng.dirichlet(np.ones(C), sum(SIZES)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(targets)


def trained(data, training, guidance, model="mlp"):
    model = MODELS.parse({"name": model, **({"hidden": [5]} if model == "mlp" else {})})
    start = {n: torch.from_numpy(a) for n, a in model.initial((6,), C, stream("w")).items()}
    rows = np.split(np.arange(sum(SIZES)), np.cumsum(SIZES)[:-1])
    steps = plan_steps(rows, training, [stream("order", client=k) for k in range(K)])
    copies = {n: value.expand(K, *value.shape).to(data[0].device) for n, value in start.items()}
    return local_update(model, copies, *data, steps, training, training.lr, guidance)


@each_gap
@each_similarity
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_local_update_is_a_plain_loop(gap, similarity, momentum, data):
    training = Training(lr=0.4, batch_size=BATCH, epochs=3, momentum=momentum)
    ours, losses = trained(data, training, Guidance(calibration=Calibration(gap, 2.0, similarity)), "linear")
    x, targets = data
    model = MODELS.parse("linear")
    for k, rows in enumerate(np.split(np.arange(sum(SIZES)), np.cumsum(SIZES)[:-1])):
        home = [torch.from_numpy(a) for a in model.initial((6,), C, stream("w")).values()]
        own = [p.clone().requires_grad_() for p in home]
        sgd, rng, seen = torch.optim.SGD(own, 0.4, momentum=momentum), stream("order", client=k), []
        for batch in [b for _ in range(3) for b in torch.from_numpy(rng.permutation(rows)).split(BATCH)]:
            logits, before = (x[batch] @ w.T + b for w, b in (own, home))
            if similarity == "cosine":
                here, there = (torch.cat([p.detach().flatten() for p in some]) for some in (own, home))
                near = float(here @ there / (here.norm() * there.norm()))
            else:
                near = hsic_cka(logits.detach().numpy(), before.numpy()) if len(batch) > 1 else 1.0
            p, t = logits.softmax(-1), targets[batch]
            if gap == "dca":
                top = p.argmax(-1, keepdim=True)
                off = (p.gather(1, top).mean() - t.gather(1, top).mean()).abs()
            else:
                off = (p.mean(0) - t.mean(0)).abs().mean()
            loss = torch.nn.functional.cross_entropy(logits, t) + 2.0 * near * off
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            seen.append(loss.item())
        for value, plain in zip(ours.values(), own, strict=True):
            torch.testing.assert_close(value[k], plain.detach(), atol=2e-5, rtol=1e-4)
        assert float(losses[k]) == pytest.approx(np.mean(seen), rel=1e-4)


@each_similarity
@pytest.mark.parametrize(("gap", "loss"), [("dca", Dca(beta=1.5)), ("mdca", Mdca(beta=1.5))])
def test_a_first_step_is_that_of_the_loss_of_the_same_name(similarity, gap, loss, data):
    """Local and global model are still the same."""
    training = Training(lr=0.4, batch_size=100)
    guided, value = trained(data, training, Guidance(calibration=Calibration(gap, 1.5, similarity)))
    plain, expected = trained(data, training.model_copy(update={"loss": loss}), Guidance())
    torch.testing.assert_close(guided, plain)
    torch.testing.assert_close(value, expected)


@each_similarity
def test_without_weight_nothing_changes(similarity, data):
    training = Training(lr=0.4, batch_size=BATCH, epochs=2)
    guided, _ = trained(data, training, Guidance(calibration=Calibration("dca", 0.0, similarity)))
    for name, value in trained(data, training, Guidance())[0].items():
        assert torch.equal(guided[name], value)


@each_gap
@each_similarity
def test_everything_stays_on_the_device_of_its_inputs(gap, similarity, data):
    device = "cuda" if torch.cuda.is_available() else "meta"
    guidance = Guidance(calibration=Calibration(gap, 1.0, similarity))
    guided, losses = trained([part.to(device) for part in data], Training(batch_size=BATCH), guidance)
    assert {value.device.type for value in [losses, *guided.values()]} == {device}
