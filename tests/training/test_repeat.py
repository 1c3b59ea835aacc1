"""Steps that are replayed are the steps that are done."""

import numpy as np
import pytest
import torch

from fedsoft.streams import stream
from fedsoft.training import MODELS, Guidance, Training, local_update, plan_mixing, plan_steps, repeat
from fedsoft.training.augmentation import plan_augmentation

ROWS = np.split(stream("rows").permutation(90), [40, 70])
"""Ten, eight and five batches of four an epoch: phases of fifteen, nine and six steps in three epochs."""


class Recorder:
    """Stands in for a card: computes before a recording, and again at each replay."""

    def __init__(self, able=True):
        self.able, self.replays = able, 0

    def __call__(self, body):
        for _ in range(repeat.EAGER):
            body()
        return self.replay(body) if self.able else None

    def replay(self, body):
        def again():
            self.replays += 1
            body()

        return again


@pytest.fixture
def recorder(monkeypatch):
    def install(able=True, worth=6):
        made = Recorder(able)
        monkeypatch.setattr(repeat, "_recorded", made)
        monkeypatch.setattr(repeat, "_records", lambda batches: True)
        monkeypatch.setattr(repeat, "WORTH", worth)
        return made

    return install


def update(model="mlp", **options):
    training = Training(batch_size=4, lr=0.2, epochs=3, **options)
    chosen = MODELS.parse({"name": model, **({"channels": [4], "groups": 2} if model == "cnn" else {})})
    rng = stream("data")
    x = torch.from_numpy(rng.standard_normal((90, 1, 4, 4)).astype(np.float32))
    targets = torch.from_numpy(rng.dirichlet(np.ones(3), 90).astype(np.float32))

    def named(purpose):
        return [stream(purpose, client=k) for k in range(3)]

    steps = plan_steps(ROWS, training, named("order"))
    start = {
        n: torch.from_numpy(a).expand(3, *a.shape)
        for n, a in chosen.initial((1, 4, 4), 3, stream("w")).items()
    }
    mixing = plan_mixing(steps, training.mixup, named("mixup")) if training.mixup else None
    augmentation = (
        plan_augmentation(steps, training.augment, (1, 4, 4), named("crops"))
        if training.augment != "none"
        else None
    )
    return local_update(
        chosen,
        start,
        x,
        targets,
        steps,
        training,
        0.2,
        Guidance(0.3),
        mixing=mixing,
        augmentation=augmentation,
    )


@pytest.mark.parametrize("able", [True, False])
@pytest.mark.parametrize(
    "about",
    [
        {},
        {"momentum": 0.9, "weight_decay": 0.01},
        {"mixup": 0.4, "augment": "crops_and_flips"},
        {"model": "cnn", "momentum": 0.5},
    ],
    ids=str,
)
def test_a_replayed_update_is_the_update_bitwise(about, able, recorder):
    expected, losses = update(**about)
    made = recorder(able)
    found, told = update(**about)
    assert torch.equal(told, losses)
    for name, value in expected.items():
        assert torch.equal(found[name], value)
    eager = 3 * repeat.EAGER
    assert made.replays == (30 - eager if able else 0)  # of every phase, all but what comes before it


def test_few_steps_are_not_worth_a_recording(recorder):
    made = recorder(worth=7)
    update()
    assert made.replays == 15 + 9 - 2 * repeat.EAGER


def test_a_processor_records_nothing(monkeypatch):
    monkeypatch.setattr(repeat, "WORTH", 1)
    monkeypatch.setattr(repeat, "_recorded", lambda body: pytest.fail("recorded"))
    update()
