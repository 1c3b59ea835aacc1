"""Mixup against a loop over examples, its distribution and its limits."""

import numpy as np
import pytest
import torch
from scipy import stats

from fedsoft.streams import stream
from fedsoft.training import MODELS, Training, local_update, plan_mixing, plan_steps
from fedsoft.training.mixup import mix

BATCH, SIZES = 4, (3, 1, 11, 4, 8)
ROWS = np.split(stream("rows").permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])
TRAINING = Training(batch_size=BATCH, lr=0.3, epochs=2)
MODEL = MODELS.parse({"name": "mlp", "hidden": [5]})


EVERYONE = tuple(range(len(SIZES)))


def planned(alpha, clients=EVERYONE, training=TRAINING):
    steps = plan_steps([ROWS[k] for k in clients], training, [stream("order", client=k) for k in clients])
    return steps, plan_mixing(steps, alpha, [stream("mixup", client=k) for k in clients])


@pytest.fixture
def data():
    rng = stream("data")
    x, targets = rng.standard_normal((sum(SIZES), 6)), rng.dirichlet(np.ones(3), sum(SIZES))
    return torch.from_numpy(x).float(), torch.from_numpy(targets).float()


def trained(data, steps, mixing, training=TRAINING):
    initial = MODEL.initial((6,), 3, stream("w"))
    start = {name: torch.from_numpy(np.stack([a] * len(steps.client))) for name, a in initial.items()}
    return local_update(MODEL, start, *data, steps, training, training.lr, mixing=mixing)


def test_examples_are_mixed_with_their_partners():
    x, targets = torch.tensor([[[0.0], [8.0], [4.0]]]), torch.eye(3).unsqueeze(0)
    mixed, soft = mix(x, targets, torch.tensor([[1, 2, 0]]), torch.tensor([0.75]))
    torch.testing.assert_close(mixed, torch.tensor([[[2.0], [7.0], [3.0]]]))
    torch.testing.assert_close(soft[0, 0], torch.tensor([0.75, 0.25, 0.0]))


def test_pixels_are_mixed_as_numbers():
    pixels = torch.tensor([[[0], [255]]], dtype=torch.uint8)
    mixed, _ = mix(pixels, torch.eye(2).unsqueeze(0), torch.tensor([[1, 0]]), torch.tensor([0.75]))
    torch.testing.assert_close(mixed, torch.tensor([[[-0.5], [0.5]]]))


def test_partners_are_an_order_of_the_batch_and_padding_is_left_alone():
    steps, mixing = planned(1.0)
    for partner, weights in zip(mixing.partner, steps.weights, strict=True):
        size = np.count_nonzero(weights)
        assert sorted(partner[:size]) == list(range(size))
        np.testing.assert_array_equal(partner[size:], np.arange(size, BATCH))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 5.0])
def test_shares_are_beta_distributed(alpha):
    _, mixing = planned(alpha, [2], Training(batch_size=BATCH, epochs=500))
    assert stats.kstest(mixing.share, stats.beta(alpha, alpha).cdf).pvalue > 0.001


def test_a_clients_mixing_is_its_own():
    """It depends on its generator, not on who else trains; and batches are those without mixing."""
    steps, whole = planned(0.4)
    alone_steps, alone = planned(0.4, [2])
    mine = steps.batches_of(list(steps.client).index(2))
    np.testing.assert_array_equal(whole.partner[mine], alone.partner)
    np.testing.assert_array_equal(whole.share[mine], alone.share)
    np.testing.assert_array_equal(steps.rows[mine], alone_steps.rows)


def test_stacked_clients_train_as_one_by_one_on_mixed_examples(data):
    steps, mixing = planned(0.4)
    parameters, losses = trained(data, steps, mixing)
    for k in range(len(SIZES)):
        alone_steps, alone = planned(0.4, [k])
        w1, b1, w2, b2 = (
            torch.from_numpy(a).requires_grad_() for a in MODEL.initial((6,), 3, stream("w")).values()
        )
        seen = []
        for rows, weights, partner, share in zip(
            alone_steps.rows, alone_steps.weights, alone.partner, alone.share, strict=True
        ):
            rows = torch.from_numpy(rows[weights > 0])
            other = rows[torch.from_numpy(partner[: len(rows)])]
            x, t = (float(share) * part[rows] + (1 - float(share)) * part[other] for part in data)
            loss = torch.nn.functional.cross_entropy((x @ w1.T + b1).relu() @ w2.T + b2, t)
            gradients = torch.autograd.grad(loss, (w1, b1, w2, b2))
            with torch.no_grad():
                for value, gradient in zip((w1, b1, w2, b2), gradients, strict=True):
                    value -= TRAINING.lr * gradient
            seen.append(loss.item())
        assert float(losses[k]) == pytest.approx(np.mean(seen), abs=1e-5)
        for value, plain in zip(parameters.values(), (w1, b1, w2, b2), strict=True):
            torch.testing.assert_close(value[k], plain.detach(), rtol=0, atol=1e-5)


def test_towards_alpha_zero_every_batch_is_examples_as_they_are(data):
    """Shares are then 0 or 1, and an order of a batch is the same batch."""
    steps, mixing = planned(1e-4)
    assert np.minimum(mixing.share, 1 - mixing.share).max() < 1e-6
    assert mixing.share.min() < 0.5 < mixing.share.max()
    ours, plain = trained(data, steps, mixing)[0], trained(data, steps, None)[0]
    for name, value in plain.items():
        torch.testing.assert_close(ours[name], value, rtol=0, atol=1e-5)
