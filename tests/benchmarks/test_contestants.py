"""Contestants do the same work, and what is not measured is named."""

import json
import sys
from argparse import Namespace
from dataclasses import replace

import pytest
import torch

from benchmarks import bench, limit, pfl_peer, plain_loop, private, rounds, strategies, table
from benchmarks.apart import call, measure
from benchmarks.table import RATIOS
from benchmarks.tasks import load
from benchmarks.workloads import WORKLOADS, Workload
from fedsoft.federation import STRATEGIES
from fedsoft.federation.records import to_parameters
from fedsoft.training import local_update

SMALL = (
    Workload("small_mlp", (6,), (30, 12, 5), {"name": "mlp", "hidden": [7]}, batch_size=4, rounds=3),
    Workload("small_cnn", (8, 8, 1), (20, 8), {"name": "cnn", "channels": [4]}, batch_size=4, rounds=3),
)


@pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)
def test_the_limit_trains_as_the_local_update_does(workload, tmp_path):
    task, _ = load(json.dumps(workload.study(tmp_path)))
    one = to_parameters(task.initial(), torch.device("cpu"))
    steps = limit.draw(task, 1, task.occupied.tolist() * 2)
    start = {name: value.expand(len(steps.client), *value.shape) for name, value in one.items()}
    ours, _ = local_update(
        task.model, start, task.inputs, task.targets, steps, task.training, task.training.lr
    )
    bare, seconds = limit.train(task, start, steps)
    assert seconds > 0
    for name, value in ours.items():
        torch.testing.assert_close(value[steps.client], bare[name])
        assert not torch.equal(bare[name][0], one[name])


@pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)
def test_networks_have_the_models_parameters(workload, tmp_path):
    task, _ = load(json.dumps(workload.study(tmp_path)))
    theirs = sum(parameter.numel() for parameter in plain_loop.torch_model(task).parameters())
    assert theirs == sum(array.size for array in task.initial().values())


def test_the_loop_learns_what_it_trains_on(tmp_path):
    task, _ = load(json.dumps(SMALL[0].study(tmp_path)))
    model, rows = plain_loop.torch_model(task), torch.arange(30)
    losses = []
    for _ in range(2):
        with torch.no_grad():
            losses.append(
                torch.nn.functional.cross_entropy(model(task.inputs[:3]), task.targets[:3].nan_to_num())
            )
        plain_loop.fit(model, task.inputs, task.targets.nan_to_num(), task, [rows] * 50)
    assert losses[1] < losses[0]


def test_ratios_are_paired_where_contestants_take_turns():
    times = {"training": [1.0, 4.0, 3.0], "loop_training": [2.0, 4.0, 30.0], "limit": [1.0, 2.0, 3.0]}
    times |= {"round": [2.0, 2.0, 2.0], "loop_round": [4.0, 4.0, 4.0], "stock_round": [5.0, 6.0, 70.0]}
    times |= {"round_all_cores": [2.0]}
    assert rounds.ratios(times) == {
        "training_vs_loop": 0.5,
        "training_vs_limit": 1.0,
        "round_vs_loop": 0.5,
        "round_vs_stock": 3.0,
    }


def test_calls_apart_answer_or_say_why():
    assert call("math:hypot", 3, 4) == 5
    with pytest.raises(RuntimeError, match=r"(?s)math:sqrt failed: .*math domain error"):
        call("math:sqrt", -1)


def test_memory_is_the_commands_own():
    small = measure([sys.executable, "-c", "pass"])
    large = measure([sys.executable, "-c", "x = bytearray(300 * 2**20)"])
    assert large[1] - small[1] == pytest.approx(300 / 1024, abs=0.05)
    with pytest.raises(RuntimeError, match="failed"):
        measure([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_peer_that_does_not_install_is_named(tmp_path, monkeypatch):
    def refuse(folder):
        raise RuntimeError("pip install pfl failed: no such package")

    monkeypatch.setattr(pfl_peer, "install", refuse)
    monkeypatch.setattr(bench, "WORKLOADS", SMALL[:1])
    parts = {f"no_{part}": part != "pfl" for part in bench.PARTS}
    results = bench.measure(Namespace(only=None, repeats=2, **parts), tmp_path)
    assert results["round_vs_pfl"].endswith("no such package")
    assert set(results["training_vs_loop"]) == {"small_mlp"}
    text = bench.readme(results)
    assert "Not measured: pfl (RuntimeError: pip install pfl failed" in text
    row = next(line for line in text.splitlines() if "small_mlp" in line)
    assert row.count("not measured") == 4  # stock Flower and pfl, ratio and time


def test_workloads_are_the_five():
    names = ["digits_mlp", "digits_cnn", "features_mlp", "mnist_cnn", "cifar_cnn"]
    assert [w.name for w in WORKLOADS] == names


def test_every_strategy_has_its_round(tmp_path, monkeypatch):
    five = replace(SMALL[0], sizes=(30, 12, 8, 8, 5))  # enough for trimmed means and the like
    monkeypatch.setattr(strategies, "WORKLOADS", (five, SMALL[1]))
    monkeypatch.setattr(strategies, "SMALL", ("small_mlp",))
    monkeypatch.setattr(strategies, "SERVER_EXAMPLES", 5)
    found = strategies.compare(None, tmp_path, 2)
    assert strategies.compare(["small_cnn"], tmp_path, 1) == {}
    assert set(found["small_mlp"]["ms"]) == set(STRATEGIES.names())
    assert found["small_mlp"]["vs_fedavg"]["fedavg"] == 1
    assert all(spent > 0 for spent in found["small_mlp"]["ms"].values())
    empty = {name: {} for name in RATIOS} | {"ms": {}, "errors": {}}
    lines = bench.readme(empty | {"strategies": found}).splitlines()
    assert len([line for line in lines if line.startswith("| `scaffold` | ")]) == 1
    assert "| strategy | `small_mlp`, ms a round | `small_mlp`, over `fedavg` |" in lines


def test_private_training_is_timed_beside_plain_training(tmp_path, monkeypatch):
    monkeypatch.setattr(private, "WORKLOADS", SMALL)
    monkeypatch.setattr(private, "HEADS", ("small_mlp",))
    monkeypatch.setattr(private, "SEEDS", 2)
    found = private.compare(None, tmp_path, 1)
    assert found.keys() == {"small_mlp"}
    times = found["small_mlp"]
    assert times["round_ms"].keys() == private.MECHANISMS.keys()
    assert times["round_vs_plain"]["plain"] == times["training_vs_plain"]["plain"] == 1
    assert min(min(part.values()) for part in times.values()) > 0
    assert "dp_fedavg" in table._private({"private": found})
