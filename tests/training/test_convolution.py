"""Convolutions of K models are K convolutions, in whatever form."""

import itertools

import pytest
import torch
from torch.nn import functional

from fedsoft.streams import stream
from fedsoft.training import LOSSES, MODELS, convolution
from fedsoft.training.convolution import FORMS, convolve, fastest

NETS = [
    {"name": "cnn", "channels": [4, 6], "groups": 2},
    {"name": "resnet", "blocks": [1, 1], "width": 4, "groups": 2},
]


def drawn(*shape, dtype=torch.float32):
    return torch.from_numpy(stream("convolution", shape=str(shape)).standard_normal(shape)).to(dtype)


@pytest.fixture
def measured(monkeypatch):
    """As on a card: forms are chosen by the seconds that they take, which the test says."""
    seconds, asked = {}, []

    def timed(compute, device, repeats, within):
        compute()
        name = list(FORMS)[len(asked) % len(FORMS)]
        asked.append(name)
        if seconds[name] is None:
            raise torch.OutOfMemoryError
        return seconds[name]

    monkeypatch.setattr(convolution, "MEASURED", ("cpu",))
    monkeypatch.setattr(convolution, "least_seconds", timed)
    fastest.cache_clear()
    yield seconds, asked
    fastest.cache_clear()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (5, 7), (1, 1)])
@pytest.mark.parametrize("channels", [1, 6])
def test_each_form_is_each_models_own_convolution(form, stride, size, channels):
    K, B, out = 3, 4, 5
    images = drawn(B, K * channels, *size).requires_grad_()
    weight = drawn(K, out, channels, 3, 3).requires_grad_()
    found = FORMS[form](images, weight, stride)
    pairs = zip(images.unflatten(1, (K, channels)).unbind(1), weight, strict=True)
    wanted = torch.cat([functional.conv2d(x, w, stride=stride, padding=1) for x, w in pairs], dim=1)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
    slope = drawn(*wanted.shape)
    for ours, theirs in zip(
        torch.autograd.grad(found, (images, weight), slope),
        torch.autograd.grad(wanted, (images, weight), slope),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("net", NETS, ids=lambda net: net["name"])
def test_a_net_is_the_same_in_each_form(net, measured):
    seconds, _ = measured
    model, found = MODELS.parse(net), {}
    initial = model.initial((2, 6, 5), 3, stream("weights"))
    parameters = {name: torch.from_numpy(value).expand(3, *value.shape) for name, value in initial.items()}
    batch = drawn(3, 4, 2, 6, 5), drawn(3, 4, 3).softmax(-1), torch.full((3, 4), 0.25)
    for form in FORMS:
        seconds |= {name: float(name != form) for name in FORMS}
        fastest.cache_clear()
        found[form], _ = model.gradients(parameters, *batch, LOSSES.parse("cross_entropy"))
    for one, other in itertools.pairwise(found.values()):
        for name in parameters:
            torch.testing.assert_close(one[name], other[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((1, 2, 3), "grouped"),
        ((3, 1, 2), "unfolded"),
        ((3, 2, 1), "apart"),
        ((3, None, 2), "apart"),  # None: out of memory
        ((None, None, None), "grouped"),
    ],
)
def test_the_fastest_form_is_measured_once_for_a_shape(times, expected, measured, monkeypatch):
    seconds, asked = measured
    seconds |= dict(zip(FORMS, times, strict=True))
    used = []
    for name, form in list(FORMS.items()):
        monkeypatch.setitem(
            FORMS, name, lambda *args, name=name, form=form: (used.append(name), form(*args))[1]
        )
    for models in (3, 4):  # as if both were four
        convolve(drawn(2, models * 2, 4, 4), drawn(models, 5, 2, 3, 3))
        assert used[-1] == expected
    assert asked == list(FORMS)
    convolve(drawn(2, 10, 4, 4), drawn(5, 5, 2, 3, 3))
    assert asked == 2 * list(FORMS)
    convolve(drawn(2, 2, 4, 4), drawn(1, 5, 2, 3, 3))  # of one model there is nothing to choose
    assert (used[-1], asked) == ("grouped", 2 * list(FORMS))


def test_on_a_cpu_nothing_depends_on_time(monkeypatch):
    monkeypatch.setattr(convolution, "fastest", lambda *args: pytest.fail("it was measured"))
    images, weight = drawn(2, 8, 4, 4), drawn(4, 5, 2, 3, 3)
    torch.testing.assert_close(convolve(images, weight), FORMS["grouped"](images, weight, 1), rtol=0, atol=0)


def test_forms_can_be_timed():
    assert fastest(2, (3, 2, 4, 4), 5, 2, True, "cpu", torch.float32, False) in FORMS
