"""A module from outside trains as ours do."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from fedsoft.execution.conduct import run_study
from fedsoft.streams import stream
from fedsoft.study.opened import open_study
from fedsoft.training import LOSSES, MODELS, Training, local_update, plan_steps
from fedsoft.training import module as outside

NETS = Path(__file__).parents[1] / "nets.py"
INPUTS, CLASSES, SIZES = (1, 4, 4), 3, (1, 3, 21, 12)
LOSS = LOSSES.parse("cross_entropy")


def model(function, **options):
    return MODELS.parse({"name": "module", "factory": f"{NETS}:{function}", "options": options})


def trained(chosen, clients, start=None):
    """Parameters after two epochs of uneven clients, trained together."""
    rng = stream("data")
    x = torch.from_numpy(rng.standard_normal((sum(SIZES), *INPUTS))).float()
    targets = torch.from_numpy(rng.dirichlet(np.ones(CLASSES), sum(SIZES))).float()
    rows = np.split(np.arange(sum(SIZES)), np.cumsum(SIZES)[:-1])
    options = Training(batch_size=8, lr=0.3, epochs=2, momentum=0.5, weight_decay=0.1)
    steps = plan_steps([rows[k] for k in clients], options, [stream("order", client=k) for k in clients])
    one = start or chosen.initial(INPUTS, CLASSES, stream("w"))
    copies = {name: torch.from_numpy(np.stack([a] * len(clients))) for name, a in one.items()}
    return one, local_update(chosen, copies, x, targets, steps, options, options.lr)[0]


def test_it_trains_as_the_same_network_of_ours():
    ours = MODELS.parse({"name": "mlp", "hidden": [5]})
    start, theirs = trained(model("perceptron"), range(4))
    renamed = dict(zip(ours.shapes(INPUTS, CLASSES), start.values(), strict=True))
    _, mine = trained(ours, range(4), renamed)
    for a, b in zip(theirs.values(), mine.values(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("function", ["perceptron", "conv", "half_frozen"])
def test_together_is_one_by_one(function):
    start, together = trained(model(function), range(4))
    for k in range(4):
        _, alone = trained(model(function), [k])
        for name, value in alone.items():
            torch.testing.assert_close(together[name][k], value[0], rtol=0, atol=1e-5)
            assert not np.allclose(value[0], start[name])


def test_what_vmap_cannot_run_trains_one_at_a_time_and_says_so(caplog):
    outside._one_by_one.clear()
    with caplog.at_level(logging.WARNING, "fedsoft"):
        _, together = trained(model("Choosy"), range(4))
        trained(model("Choosy"), range(4))
    said = [record.getMessage() for record in caplog.records if "one client at a time" in record.getMessage()]
    assert len(said) == 1
    _, alone = trained(model("Choosy"), [2])
    for name, value in alone.items():
        torch.testing.assert_close(together[name][2], value[0], rtol=0, atol=1e-5)


def test_initial_weights_come_from_the_stream_and_leave_global_state(monkeypatch):
    chosen, before = model("perceptron"), torch.get_rng_state()
    first, again, other = (chosen.initial(INPUTS, CLASSES, stream("w", seed=s)) for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
        assert (value != other[name]).any()


def test_frozen_parameters_are_neither_trained_nor_sent():
    assert set(model("half_frozen").shapes(INPUTS, CLASSES)) == {"1.bias", "3.weight", "3.bias"}


def test_a_parameter_that_is_not_used_stays():
    _, after = trained(model("with_a_spare"), [2])
    assert set(after) == {"spare", "1.weight", "1.bias", "3.weight", "3.bias"}
    assert 0 < float(after["spare"].max()) < 1  # weight decay alone moves it


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("normed", r"'1' of .*normed' \(BatchNorm1d\) keeps buffers.*use GroupNorm"),
        ("dropping", r"'1' of .*dropping' \(Dropout\) draws at random"),
        ("empty", "has no parameter to train"),
        ("nothing", "gave a NoneType, not a torch.nn.Module"),
        ("failing", r"failed for inputs \(1, 4, 4\) and 3 classes: 'width'"),
        ("wide", r"gives \(2, 4\) for \(2, 3\) logits"),
        ("in_double_precision", r"fails on inputs \(2, 1, 4, 4\) in float32: .*dtype"),
    ],
)
def test_what_cannot_be_trained_is_told(function, message):
    with pytest.raises(ValueError, match=message):
        model(function).shapes(INPUTS, CLASSES)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("nets", "names no function; write package.module:function"),
        ("no.such.package:net", "'no.such.package' cannot be imported: No module named"),
        ("missing.py:net", "missing.py does not exist"),
        (f"{NETS}:absent", "has no function 'absent'"),
    ],
)
def test_a_factory_that_is_not_there_is_told(factory, message):
    with pytest.raises(ValueError, match=message):
        MODELS.parse({"name": "module", "factory": factory})


def test_the_files_content_is_part_of_what_a_run_is(tmp_path):
    file, keys = tmp_path / "mine.py", []
    for text in ("a = 1", "a = 2"):
        outside._function.cache_clear()
        file.write_text(
            f"from torch import nn\n{text}\ndef net(shape, classes):\n    return nn.Linear(3, 2)\n"
        )
        keys.append(MODELS.parse({"name": "module", "factory": f"{file}:net"}).content)
    assert keys[0] != keys[1]
    with pytest.raises(ValueError, match="has changed since; run the study anew"):
        MODELS.parse({"name": "module", "factory": f"{file}:net", "content": keys[0]})


def test_it_is_built_from_a_file_that_was_sent(tmp_path):
    file = tmp_path / "sent.py"
    file.write_text("from torch import nn\ndef net(shape, classes):\n    return nn.Linear(*shape, classes)\n")
    model = MODELS.parse({"name": "module", "factory": f"{file}:net"})
    files = model.files()
    assert list(files) == [str(file)]
    file.unlink()
    outside._function.cache_clear()
    outside.give_files(files)
    assert model.shapes((3,), 2) == {"weight": (2, 3), "bias": (2,)}
    assert MODELS.parse("linear").files() == {}


def test_a_study_runs_with_it(tmp_path):
    table = {
        "name": "outside",
        "dataset": {"name": "digits", "inputs": "images"},
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "model": {"name": "module", "factory": f"{NETS}:conv"},
        "rounds": 2,
        "seeds": [0, 1],
        "scenario": {"clients": 4},
    }
    study = open_study(table, "outside.toml", tmp_path)
    assert run_study(study, "inprocess", 2, lambda *_: None, lambda: False)
    for run in study.plan.runs:
        assert study.store.rounds(run.key)[-1]["nll"] < study.store.rounds(run.key)[0]["nll"]
