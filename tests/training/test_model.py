"""What holds for every model: K at once are K, one at a time."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import LOSSES, MODELS, Model, convnet, predict

LOSS = LOSSES.parse("cross_entropy")
INPUTS, CLASSES, K, B = (2, 6, 5), 3, 4, 7
VARIANTS = [
    {"name": "mlp", "hidden": [5]},
    {"name": "mlp", "hidden": [6, 4]},
    {"name": "mlp", "hidden": []},
    {"name": "cnn", "channels": [4, 6, 8], "groups": 2},
    {"name": "resnet", "blocks": [1, 2], "width": 4, "groups": 2},
]
OURS = [name for name in MODELS.names() if name != "module"]
ALL = [MODELS.parse(choice) for choice in (*OURS, *VARIANTS)]
DEVICE = "cuda" if torch.cuda.is_available() else "meta"

each = pytest.mark.parametrize("model", ALL, ids=lambda model: model.label())


def parameters_of(model, clients=K, dtype=torch.float64):
    rngs = [stream("weights", client=k) for k in range(clients)]
    sets = [model.initial(INPUTS, CLASSES, rng) for rng in rngs]
    return {name: torch.from_numpy(np.stack([s[name] for s in sets])).to(dtype) for name in sets[0]}


@pytest.fixture
def batches():
    """K batches of B, in float64: inputs, targets with negative entries, weights with padding."""
    rng = stream("batches")
    x = torch.from_numpy(rng.standard_normal((K, B, *INPUTS)))
    targets = rng.standard_normal((K, B, CLASSES))
    targets = torch.from_numpy(targets - targets.mean(-1, keepdims=True) + 1 / CLASSES)
    assert (targets < 0).any()
    weights = torch.from_numpy(rng.random((K, B)))
    weights[1, 3:] = 0
    weights[3, 1:] = 0
    return x, targets, weights


@each
def test_gradients_are_those_of_autograd(model, batches, gradients_of):
    parameters = parameters_of(model)
    gradients, loss = gradients_of(model, parameters, *batches, LOSS)
    by_autograd, loss_there = Model.gradients(model, parameters, *batches, LOSS)
    torch.testing.assert_close(loss, loss_there, rtol=1e-12, atol=1e-12)
    assert set(gradients) == set(by_autograd) == set(parameters)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, by_autograd[name], rtol=1e-10, atol=1e-12)


@each
def test_gradients_are_those_of_separate_torch_models(model, batches, reference, read_back, gradients_of):
    parameters = parameters_of(model)
    gradients, losses = gradients_of(model, parameters, *batches, LOSS)
    for k in range(K):
        x, targets, weights = (part[k] for part in batches)
        module = reference(model, {name: value[k] for name, value in parameters.items()}, INPUTS)
        loss = -(weights * (targets * module(x).log_softmax(-1)).sum(-1)).sum()
        loss.backward()
        torch.testing.assert_close(losses[k], loss.detach(), rtol=1e-12, atol=1e-12)
        for name, gradient in read_back(list(parameters), module, gradient=True).items():
            torch.testing.assert_close(gradients[name][k], gradient, rtol=1e-10, atol=1e-12)


@each
def test_padding_has_no_effect(model, batches, gradients_of):
    x, targets, weights = batches
    parameters = parameters_of(model)
    padded, targets_there = x.clone(), targets.clone()
    padded[weights == 0], targets_there[weights == 0] = 7.0, -3.0
    assert (padded != x).any()
    before, loss = gradients_of(model, parameters, x, targets, weights, LOSS)
    after, loss_there = gradients_of(model, parameters, padded, targets_there, weights, LOSS)
    torch.testing.assert_close(loss, loss_there)
    for name in parameters:
        torch.testing.assert_close(before[name], after[name])


@each
def test_the_gradient_is_linear_in_the_target(model, batches, gradients_of):
    """So an unbiased target, negative entries and all, gives an unbiased gradient."""
    x, targets, weights = batches
    parameters = parameters_of(model)
    other = targets.flip(1)
    gradients = [
        gradients_of(model, parameters, x, t, weights, LOSS)[0]
        for t in (targets, other, 3 * targets - 2 * other)
    ]
    for name in parameters:
        first, second, mixed = (g[name] for g in gradients)
        torch.testing.assert_close(mixed, 3 * first - 2 * second)


@each
def test_gradients_change_nothing_that_they_are_given(model, batches, gradients_of):
    parameters = parameters_of(model)
    before = {name: value.clone() for name, value in parameters.items()}
    gradients, loss = gradients_of(model, parameters, *batches, LOSS)
    assert not loss.requires_grad
    for name, value in parameters.items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)
        assert not value.requires_grad
        assert not gradients[name].requires_grad


@each
def test_pixels_become_numbers_from_minus_one_to_one(model):
    pixels = torch.from_numpy(stream("pixels").integers(0, 256, (1, B, *INPUTS), dtype=np.uint8))
    parameters = parameters_of(model, clients=1, dtype=torch.float32)
    torch.testing.assert_close(
        model.forward(parameters, pixels), model.forward(parameters, pixels.float() / 127.5 - 1)
    )


@each
def test_initial_parameters_are_torchs_own(model, reference):
    """Uniform in ±1/sqrt(fan-in), as torch draws those of its layers; gains are one."""
    ours = {name: torch.from_numpy(a) for name, a in model.initial(INPUTS, CLASSES, stream("a")).items()}
    module = reference(model, ours, INPUTS)
    for layer in module.modules():
        if list(layer.children()):
            continue
        if isinstance(layer, torch.nn.GroupNorm):
            assert (layer.weight == 1).all()
            continue
        if parts := list(layer.parameters()):
            weight = parts[0].detach()
            bound = 1 / np.sqrt(weight[0].numel())
            for part in parts:
                assert part.abs().max() <= bound
            if weight.numel() > 100:
                assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.2)
    assert {a.dtype for a in ours.values()} == {torch.float32}


@each
def test_initial_parameters_depend_on_the_stream_alone(model):
    first, again, other = (model.initial(INPUTS, CLASSES, stream(name)) for name in ("a", "a", "b"))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert any((first[name] != other[name]).any() for name in first)


@each
def test_predictions_are_those_of_the_torch_model(model, reference, batches):
    parameters = {name: value[0] for name, value in parameters_of(model).items()}
    x = batches[0].flatten(0, 1)
    expected = reference(model, parameters, INPUTS)(x).softmax(-1).detach()
    for batch in (1, 5, 2048):
        torch.testing.assert_close(predict(model, parameters, x, batch), expected)


@each
def test_everything_stays_on_the_device_of_its_inputs(model, batches, gradients_of):
    parameters = {name: value.to(DEVICE) for name, value in parameters_of(model).items()}
    x, targets, weights = (part.to(DEVICE) for part in batches)
    gradients, loss = gradients_of(model, parameters, x, targets, weights, LOSS)
    assert (loss.device.type, loss.shape) == (DEVICE, (K,))
    for name, value in parameters.items():
        assert (gradients[name].device.type, gradients[name].shape) == (DEVICE, value.shape)
    probs = predict(model, {name: value[0] for name, value in parameters.items()}, x[0])
    assert (probs.device.type, probs.shape) == (DEVICE, (B, CLASSES))


@pytest.mark.parametrize("held", [0, 2**40])
@pytest.mark.parametrize("model", [model for model in ALL if isinstance(model, convnet.ConvNet)], ids=str)
def test_convolutions_are_the_same_however_many_models_the_cache_holds(
    model, held, batches, monkeypatch, gradients_of
):
    parameters = parameters_of(model)
    gradients, loss = gradients_of(model, parameters, *batches, LOSS)
    monkeypatch.setattr(convnet, "CACHED", held)
    again, loss_there = gradients_of(model, parameters, *batches, LOSS)
    torch.testing.assert_close(loss, loss_there, rtol=1e-12, atol=1e-12)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, again[name], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["cnn", "resnet"])
def test_features_are_no_images(name):
    with pytest.raises(ValueError, match=f"'{name}' needs images; these inputs are features"):
        MODELS.parse(name).shapes((64,), 10)


def test_groups_divide_widths():
    with pytest.raises(ValueError, match=r"groups = 4 does not divide all of channels \(8, 10\)"):
        MODELS.parse({"name": "cnn", "channels": [8, 10]}).shapes((1, 8, 8), 10)
    with pytest.raises(ValueError, match="resnet: groups = 4 does not divide width = 10"):
        MODELS.parse({"name": "resnet", "width": 10}).shapes((1, 8, 8), 10)


def test_a_resnet_is_that_of_its_paper():
    """ResNet-20 has 20 layers and 0.27 million parameters (arXiv:1512.03385, table 6)."""
    shapes = MODELS.parse({"name": "resnet", "blocks": [3, 3, 3]}).shapes((3, 32, 32), 10)
    assert sum(name.endswith("weight") for name in shapes) == 20
    assert round(sum(map(np.prod, shapes.values())) / 1e6, 2) == 0.27


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 7), (3, 8, 9)])
def test_a_resnet_takes_images_of_any_size(shape):
    model = MODELS.parse({"name": "resnet", "blocks": [1, 1, 1], "width": 4, "groups": 2})
    parameters = {
        name: torch.from_numpy(value)[None] for name, value in model.initial(shape, 3, stream("a")).items()
    }
    x = torch.from_numpy(stream("x").standard_normal((1, 2, *shape)).astype(np.float32))
    assert model.forward(parameters, x).shape == (1, 2, 3)
    features = model.features(parameters, x)
    assert features.shape == (1, 2, 16)  # the width, doubled twice
    logits = features @ parameters["head.weight"].mT + parameters["head.bias"]
    torch.testing.assert_close(model.forward(parameters, x), logits)


def test_cross_entropy_by_hand(gradients_of):
    """Two classes, logits 0 and log 3: p = 1/4, 3/4."""
    model = MODELS.parse("linear")
    parameters = {
        "layer0.weight": torch.zeros(1, 2, 1),
        "layer0.bias": torch.tensor([[0.0, np.log(3)]]).float(),
    }
    x, targets = torch.ones(1, 2, 1), torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    gradients, loss = gradients_of(model, parameters, x, targets, torch.tensor([[0.5, 0.5]]), LOSS)
    assert float(loss) == pytest.approx((np.log(4) + 0.5 * np.log(4) + 0.5 * np.log(4 / 3)) / 2)
    torch.testing.assert_close(gradients["layer0.bias"], torch.tensor([[-0.5, 0.5]]))  # means of p - t


def test_a_cards_convolutions_are_exact():
    """TensorFloat-32 rounds factors to 10 bits; a card and a processor would no longer agree."""
    assert not torch.backends.cudnn.allow_tf32
