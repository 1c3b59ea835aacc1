"""Augmented images against a loop over pixels, the distribution of what is drawn, and its limits."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats

from fedsoft.streams import stream
from fedsoft.training import MODELS, Training, as_batch, local_update, plan_mixing, plan_samples, plan_steps
from fedsoft.training.augmentation import augment, plan_augmentation
from fedsoft.training.mixup import mix

BATCH, SIZES, SHAPE = 4, (3, 1, 11, 4, 8), (1, 9, 16)
EVERYONE = tuple(range(len(SIZES)))
ROWS = np.split(stream("rows").permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])
TRAINING = Training(batch_size=BATCH, lr=0.3, epochs=2)
MODEL = MODELS.parse({"name": "cnn", "channels": [4], "groups": 2})
DEVICE = "cuda" if torch.cuda.is_available() else "meta"


def planned(kind="crops_and_flips", clients=EVERYONE, training=TRAINING, shape=SHAPE, poisson=False):
    examples, orders = [ROWS[k] for k in clients], [stream("order", client=k) for k in clients]
    steps = (
        plan_samples(examples, training, orders, True) if poisson else plan_steps(examples, training, orders)
    )
    return steps, plan_augmentation(steps, kind, shape, [stream("augmentation", client=k) for k in clients])


def shown(image, padding, corner, flip):
    """One image (channels, H, W) of uint8, pixel by pixel."""
    _, height, width = image.shape
    seen = np.zeros_like(image)
    for i, j in itertools.product(range(height), range(width)):
        across = width - 1 - j if flip else j
        row, column = i + corner[0] - padding[0], across + corner[1] - padding[1]
        if 0 <= row < height and 0 <= column < width:
            seen[:, i, j] = image[:, row, column]
    return seen


def tensors(plan, batches=slice(None)):
    return plan.padding, torch.from_numpy(plan.corner[batches]), torch.from_numpy(plan.flip[batches])


@pytest.fixture
def data():
    rng = stream("data")
    x, targets = rng.standard_normal((sum(SIZES), *SHAPE)), rng.dirichlet(np.ones(3), sum(SIZES))
    return torch.from_numpy(x).float(), torch.from_numpy(targets).float()


def trained(data, steps, plan, mixing=None):
    initial = MODEL.initial(SHAPE, 3, stream("w"))
    start = {name: torch.from_numpy(np.stack([a] * len(steps.client))) for name, a in initial.items()}
    start = {name: value.to(data[0].device) for name, value in start.items()}
    return local_update(MODEL, start, *data, steps, TRAINING, TRAINING.lr, mixing=mixing, augmentation=plan)


@pytest.mark.parametrize("shape", [(1, 9, 16), (3, 8, 5), (3, 1, 32)])
@pytest.mark.parametrize("kind", ["crops", "flips", "crops_and_flips"])
def test_images_are_padded_cropped_and_flipped(shape, kind):
    """As a loop over pixels does it; and pixels as bytes or as floats show the same, to the bit."""
    steps, plan = planned(kind, shape=shape)
    images = stream("images").integers(0, 256, (*steps.rows.shape, *shape), dtype=np.uint8)
    seen = augment(torch.from_numpy(images), *tensors(plan))
    for p, b in np.ndindex(steps.rows.shape):
        wanted = shown(images[p, b], plan.padding, plan.corner[p, b], plan.flip[p, b])
        np.testing.assert_array_equal(seen[p, b].numpy(), wanted)
    assert torch.equal(augment(as_batch(torch.from_numpy(images)), *tensors(plan)), as_batch(seen))


def test_the_padding_of_32_pixels_is_four():
    def padding(*sides, kind="crops"):
        return planned(kind, [1], shape=(3, *sides))[1].padding

    assert padding(32, 32) == (4, 4)
    assert padding(28, 96) == (4, 12)
    assert padding(4, 8) == (1, 1)
    assert padding(32, 32, kind="flips") == (0, 0)


def test_every_place_is_as_likely_and_every_second_image_mirrored():
    _, plan = planned(training=Training(batch_size=BATCH, epochs=500), shape=(3, 32, 32), clients=[2])
    steps, _ = planned(training=Training(batch_size=BATCH, epochs=500), clients=[2])
    there = steps.weights > 0
    corner, flip = plan.corner[there], plan.flip[there]
    counts = np.zeros((9, 9, 2))
    np.add.at(counts, (*corner.T, flip.astype(int)), 1)  # rows, columns and flips, jointly
    assert len(corner) == 500 * SIZES[2]
    assert stats.chisquare(counts.ravel()).pvalue > 0.001


def test_each_epoch_shows_an_example_anew():
    steps, plan = planned(training=Training(batch_size=BATCH, epochs=50), shape=(3, 32, 32), clients=[2])
    there = (steps.weights > 0) & (steps.rows == ROWS[2][0])
    assert there.sum() == 50
    assert len(np.unique(plan.corner[there], axis=0)) > 25


def test_kinds_share_what_they_draw():
    """Crops are moved as crops and flips are, flips mirrored alike, and neither is done alone."""
    (_, both), (_, crops), (_, flips) = (planned(kind) for kind in ("crops_and_flips", "crops", "flips"))
    np.testing.assert_array_equal(both.corner, crops.corner)
    np.testing.assert_array_equal(both.flip, flips.flip)
    assert flips.flip.any()
    assert not crops.flip.any()
    assert not flips.corner.any()


@pytest.mark.parametrize("poisson", [False, True])
def test_what_is_drawn_for_a_client_is_its_own(poisson):
    """It depends on its generator, not on who else trains; what pads a batch is shown as it is."""
    steps, whole = planned(poisson=poisson)
    for k in EVERYONE:
        alone_steps, alone = planned(clients=[k], poisson=poisson)
        mine = steps.batches_of(list(steps.client).index(k))
        width = alone_steps.rows.shape[1]
        np.testing.assert_array_equal(whole.corner[mine, :width], alone.corner)
        np.testing.assert_array_equal(whole.flip[mine, :width], alone.flip)
    empty = steps.weights == 0
    assert empty.any()
    assert (whole.corner[empty] == whole.padding).all()
    assert not whole.flip[empty].any()


@pytest.mark.parametrize("mixes", [False, True])
def test_stacked_clients_train_as_one_by_one_on_augmented_images(data, mixes):
    """And images are mixed as they are shown, not before."""

    def mixing(steps, clients):
        return plan_mixing(steps, 0.4, [stream("mixup", client=k) for k in clients]) if mixes else None

    steps, plan = planned()
    parameters, losses = trained(data, steps, plan, mixing(steps, EVERYONE))
    for k in EVERYONE:
        steps, plan = planned(clients=[k])
        own = mixing(steps, [k])
        now = {
            name: torch.from_numpy(a)[None].clone()
            for name, a in MODEL.initial(SHAPE, 3, stream("w")).items()
        }
        seen = []
        for p, rows in enumerate(torch.from_numpy(steps.rows)):
            x, t = augment(data[0][rows][None], *tensors(plan, slice(p, p + 1))), data[1][rows][None]
            if own:
                x, t = mix(
                    x, t, torch.from_numpy(own.partner[p : p + 1]), torch.from_numpy(own.share)[p : p + 1]
                )
            weights = torch.from_numpy(steps.weights[p : p + 1])
            gradients, loss = MODEL.gradients(now, x, t, weights, TRAINING.loss)
            now = {name: value - TRAINING.lr * gradients[name] for name, value in now.items()}
            seen.append(loss.item())
        assert float(losses[k]) == pytest.approx(np.mean(seen), abs=1e-5)
        for name, value in now.items():
            torch.testing.assert_close(parameters[name][k], value[0], rtol=0, atol=1e-5)


def test_everything_stays_on_the_device_of_the_images(data):
    steps, plan = planned()
    _, losses = trained([part.to(DEVICE) for part in data], steps, plan)
    assert losses.device.type == DEVICE


def test_features_are_refused():
    with pytest.raises(ValueError, match="needs images; these inputs are features"):
        planned(shape=(12,))
