"""How many models train together is what measures fastest, and fits."""

import itertools
from types import SimpleNamespace

import pytest
import torch

from fedsoft.training import LOSSES, MODELS, measure, measured_stack, timing

MIB = 2**20


def stack_of(model="linear", device="cpu", workers=1):
    found = measured_stack(
        MODELS.parse(model), LOSSES.parse("cross_entropy"), (1, 8, 8), 3, 4, device, workers
    )
    measured_stack.cache_clear()
    return found


@pytest.fixture
def card(monkeypatch):
    """A card of which some MiB are free, and a step of a model takes one."""
    free = {}
    monkeypatch.setattr(measure, "_step", lambda *args: (1e-5 * 0.9 ** args[-1].bit_length(), args[-1] * MIB))
    monkeypatch.setattr(measure, "_free", lambda device: free["MiB"] * MIB)
    return free


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({}, 256),
        ({2: 1.0}, 256),  # one that is slow may be noise
        ({2: 1.0, 4: 0.99}, 1),
        ({8: 0.3, 16: 0.247}, 4),
        ({8: 0.3, 16: 0.24, 32: 0.25, 64: 0.25}, 16),
    ],
)
def test_stacks_grow_while_that_is_faster(monkeypatch, seconds, expected):
    times = {2**i: 0.5**i for i in range(9)} | seconds
    monkeypatch.setattr(measure, "_step", lambda *args: (times[args[-1]] * 1e-4, 0))
    assert stack_of() == expected


def test_long_steps_are_not_made_longer(monkeypatch):
    monkeypatch.setattr(measure, "_step", lambda *args: (0.03 * 0.9 ** args[-1].bit_length(), 0))
    assert stack_of() == 4  # of eight, a step would take 0.16 s


@pytest.mark.parametrize(("free", "workers", "expected"), [(1024, 1, 512), (1023, 1, 256), (8192, 4, 1024)])
def test_a_step_takes_half_of_a_cards_free_memory(card, free, workers, expected):
    card["MiB"] = free
    assert stack_of(device="cuda", workers=workers) == expected


def test_out_of_memory_ends_the_doubling(card, monkeypatch):
    card["MiB"], fits = 2**30, measure._step

    def step(*args):
        if args[-1] > 32:
            raise torch.OutOfMemoryError
        return fits(*args)

    monkeypatch.setattr(measure, "_step", step)
    assert stack_of(device="cuda") == 32


def test_a_model_that_fails_trains_alone(monkeypatch):
    monkeypatch.setattr(measure, "_step", lambda *args: 1 / 0)
    assert stack_of() == 1


@pytest.mark.parametrize("model", ["linear", "mlp", "cnn", {"name": "resnet", "blocks": [1], "width": 4}])
def test_every_model_can_be_measured(model):
    assert stack_of(model) in {2**i for i in range(9)}


@pytest.mark.parametrize(
    ("device", "lasts", "expected", "calls"),
    [
        ("cpu", itertools.chain([3.0, 1.0, 2.0], itertools.repeat(9.0)), 1.0, 4),
        ("cpu", itertools.repeat(60.0), 60.0, 2),  # within a minute, two are enough
        # The first, in which a card loads kernels, does not count; then five at once.
        ("cuda", itertools.chain([50.0, 4.0], [1.0] * 5, itertools.repeat(2.0)), 1.0, 2 + 3 * 5),
        ("cuda", itertools.chain([99.0], itertools.repeat(40.0)), 40.0, 3),
    ],
)
def test_the_least_of_several_seconds(monkeypatch, device, lasts, expected, calls):
    now, called = [0.0], []

    def compute():
        called.append(None)
        now[0] += next(lasts)

    monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(timing, "_wait", lambda device: None)
    assert timing.least_seconds(compute, device, repeats=4, within=60.0) == expected
    assert len(called) == calls
