"""DP-SGD on stacked clients: clipped gradients, noise, samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from opacus import GradSampleModule

from fedsoft.privacy.models import GaussianNoise, clip
from fedsoft.streams import stream
from fedsoft.training import (
    LOSSES,
    MODELS,
    Model,
    PrivateSteps,
    Training,
    local_update,
    plan_augmentation,
    plan_samples,
)
from fedsoft.training.losses import COUPLED
from fedsoft.training.private import StackedNoise

MODELS_TRIED = {
    "linear": {},
    "mlp": {"hidden": [7, 5]},
    "cnn": {"channels": [4, 8], "groups": 2},
    "resnet": {"blocks": [1, 1], "width": 4, "groups": 2},
    "module": {"factory": f"{Path(__file__).parents[1] / 'nets.py'}:conv"},
    "scaled": {"name": "module", "factory": f"{Path(__file__).parents[1] / 'nets.py'}:Scaled"},
}
CLIP, SHAPE = 0.4, (2, 4, 4)


def batch(name, K=3, B=5):
    model = MODELS.parse({"name": name, **MODELS_TRIED[name]})
    rng = stream("private batch", model=name)
    parameters = {
        key: torch.from_numpy(np.stack([model.initial(SHAPE, 3, rng)[key] for _ in range(K)]))
        for key in model.shapes(SHAPE, 3)
    }
    x = torch.from_numpy(rng.standard_normal((K, B, *SHAPE)).astype(np.float32))
    targets = torch.from_numpy(rng.dirichlet(np.ones(3), (K, B)).astype(np.float32))
    weights = torch.full((K, B), 0.25)
    weights[-1, 3:] = 0  # padding
    return model, parameters, x, targets, weights


def flat(gradients):
    return torch.cat([value.unsqueeze(2).flatten(2) for value in gradients.values()], dim=2)


def summed(model, parameters, x, targets, weights, loss, bound, by=None):
    into = {key: torch.zeros_like(value) for key, value in parameters.items()}
    how = by or type(model).accumulate_clipped
    value = how(model, parameters, x, targets, weights, loss, into, 1.0, 1.0, bound)
    return into, value


@pytest.mark.parametrize("name", MODELS.names())
def test_gradients_of_examples_are_those_of_batches_of_one(name):
    model, parameters, x, targets, _ = batch(name)
    loss = LOSSES.parse("cross_entropy")
    each, values = model.example_gradients(parameters, x, targets, loss)
    for b in range(x.shape[1]):
        alone, value = model.gradients(
            parameters, x[:, b : b + 1], targets[:, b : b + 1], torch.ones(len(x), 1), loss
        )
        torch.testing.assert_close(values[:, b], value)
        for key in parameters:
            torch.testing.assert_close(each[key][:, b], alone[key], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS_TRIED)
@pytest.mark.parametrize("loss", [loss for loss in LOSSES.names() if loss not in COUPLED])
def test_the_sum_is_of_clipped_rows(name, loss):
    """Against the arithmetic on rows of `fedsoft.privacy`, in NumPy."""
    model, parameters, x, targets, weights = batch(name)
    objective = LOSSES.parse(loss)
    each, values = model.example_gradients(parameters, x, targets, objective)
    rows = flat(each).numpy()
    assert (np.linalg.norm(rows, axis=-1) > CLIP).mean() > 0.5  # the bound matters
    wanted = (clip(rows, CLIP) * weights.numpy()[..., None]).sum(1)
    found, value = summed(model, parameters, x, targets, weights, objective, CLIP)
    np.testing.assert_allclose(flat({k: v[:, None] for k, v in found.items()})[:, 0], wanted, atol=2e-6)
    torch.testing.assert_close(value, (values * weights).sum(1))


@pytest.mark.parametrize("hidden", [[], [6], [5, 4]])
def test_written_out_norms_are_those_of_the_generic_way(hidden):
    model, _, x, targets, weights = batch("mlp")
    model = MODELS.parse({"name": "mlp", "hidden": hidden} if hidden else "linear")
    rng = stream("hidden")
    parameters = {
        key: torch.from_numpy(np.stack([value] * 3)) for key, value in model.initial(SHAPE, 3, rng).items()
    }
    loss = LOSSES.parse("focal")
    for bound in (1e-3, 0.3, 1e6):
        ghost, value = summed(model, parameters, x, targets, weights, loss, bound)
        plain, same = summed(model, parameters, x, targets, weights, loss, bound, Model.accumulate_clipped)
        torch.testing.assert_close(value, same)
        for key in ghost:
            torch.testing.assert_close(ghost[key], plain[key], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn", "resnet"])
def test_gradients_of_examples_are_those_of_opacus(name, reference):
    model, parameters, x, targets, _ = batch(name, K=1)
    module = GradSampleModule(
        reference(model, {k: v[0] for k, v in parameters.items()}, SHAPE), loss_reduction="sum"
    )
    logits = module(x[0])
    (-(targets[0] * logits.log_softmax(-1)).sum(-1)).sum().backward()
    each, _ = model.example_gradients(parameters, x, targets, LOSSES.parse("cross_entropy"))
    theirs = torch.cat([p.grad_sample.flatten(1) for p in module.parameters()], dim=1)
    torch.testing.assert_close(flat(each)[0], theirs, atol=1e-6, rtol=1e-4)


def test_a_module_that_vmap_cannot_run_goes_example_by_example():
    model, parameters, x, targets, weights = batch("module")
    from fedsoft.training import module as kept

    loss = LOSSES.parse("cross_entropy")
    stacked, _ = summed(model, parameters, x, targets, weights, loss, CLIP)
    kept._one_by_one.add(model.label())
    try:
        alone, _ = summed(model, parameters, x, targets, weights, loss, CLIP)
    finally:
        kept._one_by_one.discard(model.label())
    for key in stacked:
        torch.testing.assert_close(alone[key], stacked[key], atol=1e-6, rtol=1e-4)


def test_an_example_without_gradient_is_left_as_it_is():
    model, parameters, x, targets, weights = batch("linear")
    targets = model.forward(parameters, x).softmax(-1)
    found, _ = summed(model, parameters, x, targets, weights, LOSSES.parse("cross_entropy"), CLIP)
    assert all(torch.isfinite(value).all() and value.abs().max() < 1e-6 for value in found.values())


class Silent:
    """Noise of none."""

    def fill(self, out, std):
        out[:] = 0


def clients(sizes=(40, 9, 3), seed=0):
    rng = stream("private clients", seed=seed)
    n = sum(sizes)
    inputs = torch.from_numpy(rng.standard_normal((n, *SHAPE)).astype(np.float32))
    targets = torch.from_numpy(rng.dirichlet(np.ones(3), n).astype(np.float32))
    return inputs, targets, np.split(np.arange(n), np.cumsum(sizes)[:-1])


def trained(options, noise, poisson=True, some=(0, 1, 2), bound=CLIP):
    """The models of some clients, trained together."""
    inputs, targets, examples = clients()
    model = MODELS.parse({"name": "mlp", "hidden": [5]})
    one = model.initial(SHAPE, 3, stream("start"))
    start = {key: torch.from_numpy(np.stack([value] * len(some))) for key, value in one.items()}
    rngs = [stream("a client", client=k) for k in some]
    sources = [Silent() if noise is None else GaussianNoise(rng) for rng in rngs]
    mine = [examples[k] for k in some]
    steps = plan_samples(mine, options, rngs, poisson)
    std = np.array([(noise or 0) * bound / min(options.batch_size, len(rows)) for rows in mine])
    private = PrivateSteps(bound, std, sources)
    plan = None
    if options.augment != "none":
        plan = plan_augmentation(steps, options.augment, (1, 4, 4), [stream("shown", client=k) for k in some])
    after, _ = local_update(
        model, start, inputs, targets, steps, options, options.lr, augmentation=plan, private=private
    )
    return start, after, steps


@pytest.mark.parametrize("augment", ["none", "crops_and_flips"])
@pytest.mark.parametrize("poisson", [True, False])
def test_a_client_has_the_same_samples_and_noise_in_any_stack(poisson, augment):
    options = Training(batch_size=8, epochs=2, lr=0.3, momentum=0.5, augment=augment)
    _, together, _ = trained(options, 1.3, poisson)
    for k in range(3):
        _, alone, _ = trained(options, 1.3, poisson, some=(k,))
        for key in alone:
            torch.testing.assert_close(alone[key][0], together[key][k], atol=2e-5, rtol=1e-4)


def test_noise_has_its_size_and_nothing_else_comes_after_it():
    """With a loss that is flat, a step of plain SGD moves by lr · noise alone."""
    options, noise = Training(batch_size=8, lr=0.5), 2.0
    start, after, steps = trained(options, noise, bound=1e-6)
    for k, (size, count) in enumerate(((8, 5), (8, 2), (3, 1))):
        moved = torch.cat([(after[key][k] - start[key][k]).flatten() for key in start]).double()
        wanted = 0.5 * noise * 1e-6 / size * count**0.5
        assert moved.std() == pytest.approx(wanted, rel=0.25)
    assert steps.counts.tolist() == [5, 2, 1]


def test_momentum_and_weight_decay_come_after_clipping():
    """Two steps of one client on all of its examples, by hand."""
    options = Training(batch_size=100, epochs=2, lr=0.2, momentum=0.5, weight_decay=0.3)
    inputs, targets, examples = clients()
    start, after, _ = trained(options, None, some=(2,))
    model, loss = MODELS.parse({"name": "mlp", "hidden": [5]}), LOSSES.parse("cross_entropy")
    now, moving = {k: v.clone() for k, v in start.items()}, {k: 0 * v for k, v in start.items()}
    x, t = inputs[examples[2]][None], targets[examples[2]][None]
    for _ in range(2):
        rows = flat(model.example_gradients(now, x, t, loss)[0])[0]
        mean = torch.from_numpy(clip(rows.numpy(), CLIP)).mean(0)
        parts = mean.split([v[0].numel() for v in now.values()])
        for (key, value), part in zip(now.items(), parts, strict=True):
            moving[key] = 0.5 * moving[key] + part.reshape(value.shape) + 0.3 * value
        now = {key: value - 0.2 * moving[key] for key, value in now.items()}
    for key in now:
        torch.testing.assert_close(after[key], now[key], atol=1e-6, rtol=1e-4)


def test_poisson_samples_are_coins():
    options, n = Training(batch_size=10, epochs=300), 40
    steps = plan_samples([np.arange(100, 100 + n)], options, [stream("coins")], poisson=True)
    sizes = (steps.weights > 0).sum(1)
    assert len(sizes) == 300 * 4
    assert sizes.mean() == pytest.approx(10, abs=3 * (7.5 / 1200) ** 0.5)
    assert sizes.var() == pytest.approx(40 * 0.25 * 0.75, rel=0.15)
    assert set(np.unique(steps.weights)) == {np.float32(0), np.float32(0.1)}
    chosen = np.bincount(steps.rows[steps.weights > 0] - 100, minlength=n) / 1200
    assert np.abs(chosen - 0.25).max() < 4.5 * (0.25 * 0.75 / 1200) ** 0.5
    for row, weight in zip(steps.rows, steps.weights, strict=True):
        assert len(set(row[weight > 0])) == (weight > 0).sum()


def test_samples_without_replacement_have_one_size():
    options, n = Training(batch_size=10, epochs=300), 40
    steps = plan_samples([np.arange(n)], options, [stream("samples")], poisson=False)
    assert (steps.weights == np.float32(0.1)).all()
    assert all(len(set(row)) == 10 for row in steps.rows)
    chosen = np.bincount(steps.rows.ravel(), minlength=n) / 1200
    assert np.abs(chosen - 0.25).max() < 4.5 * (0.25 * 0.75 / 1200) ** 0.5


def test_small_clients_and_given_targets():
    options = Training(batch_size=8)
    rngs = [stream("small", client=k) for k in range(2)]
    examples = [np.array([5, 6]), np.arange(10, 30)]
    given = [rows[None] + 100 for rows in examples]
    steps = plan_samples(examples, options, rngs, True, given)
    assert steps.client.tolist() == [1, 0]
    assert steps.active.tolist() == [2, 1, 1]
    np.testing.assert_array_equal(steps.targets, steps.rows + 100)
    assert (steps.weights[1] > 0).sum() == 2  # the client of two takes both, at one over two
    assert steps.weights[1].sum() == 1


def test_noise_ahead_is_the_noise_of_each_step():
    options = Training(batch_size=8, epochs=3)
    _, _, examples = clients()
    steps = plan_samples(examples, options, [stream("x", client=k) for k in range(3)], True)
    parameters = {"w": torch.zeros(3, 4, 5), "b": torch.zeros(3, 2)}
    private = PrivateSteps(
        1.0, np.array([1.0, 2.0, 3.0]), [GaussianNoise(stream("n", client=k)) for k in range(3)]
    )
    noise, seen = StackedNoise(private, steps, parameters), []
    for step, still in enumerate(steps.active):
        drawn = noise.of(step, still)
        assert drawn["w"].shape == (still, 4, 5)
        seen.append(torch.cat([part.flatten(1) for part in drawn.values()], 1)[0].clone())
    assert len(np.unique(torch.stack(seen))) == len(seen) * 22  # none twice
