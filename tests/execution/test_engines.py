"""Engines differ in speed, never in result."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.config import read_study
from fedsoft.execution.ray_engine import Ray
from fedsoft.execution.run import Hooks
from fedsoft.execution.superlink import flwr_run
from fedsoft.files import read_npz
from fedsoft.study.opened import open_study

STUDY = """
dataset = { name = "digits", inputs = "images" }
sources = ["hard", "stochastic", "multipass", "teacher"]
rivals = [{ source = "hard", members = 2, calibration = { name = "vector_scaling", on = "vote" } }]
strategies = ["fedavg", "fedadam"]
model = { name = "mlp", hidden = [16] }
rounds = 2
seeds = [0]
training = { epochs = 2, mixup = 0.2, augment = "crops" }
[scenario]
clients = 3
partition = { name = "dirichlet", alpha = 0.5 }
[grid]
"scenario.participation" = [1.0, 0.5]
"""


def test_twice_in_a_row_is_the_same(tiny, finished, tmp_path, run, models):
    again = run(open_study(tiny, "tiny.toml", tmp_path), stack=1)
    assert models(again.store.root) == models(finished.store.root)
    assert len(models(tmp_path)) == 16 + 4


def test_two_processes_give_the_same(tiny, finished, tmp_path, run, models):
    run(open_study(tiny, "tiny.toml", tmp_path), stack=1, workers=2)
    assert models(tmp_path) == models(finished.store.root)


def test_stacked_clients_agree_closely(tiny, finished, tmp_path, run):
    stacked = run(open_study(tiny, "tiny.toml", tmp_path), stack="all")
    for one in stacked.plan.runs:
        a = stacked.store.predictions(one.key)["test"]
        np.testing.assert_allclose(a, finished.store.predictions(one.key)["test"], atol=1e-4)


@pytest.mark.slow
def test_ray_and_flwr_run_give_the_same_bits(tmp_path, run, models):
    """With full and with partial participation."""
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    table = read_study(file)
    here = run(open_study(table, str(file), tmp_path / "here"), stack=1)
    on_ray = open_study(table, str(file), tmp_path / "ray")
    Ray(on_ray.store, "cpu", workers=2).run(on_ray.plan.open(on_ray.store), Hooks())
    assert len(models(tmp_path / "here")) == 2 * (
        8 + 2 + 3 * 2
    )  # a calibrated ensemble has three runs of its own
    assert models(tmp_path / "ray") == models(tmp_path / "here")
    flwr_run(Path(__file__).parents[2], file, tmp_path / "flwr", here.plan.clients, workers=2)
    assert models(tmp_path / "flwr") == models(tmp_path / "here")

    tables = []
    for study in (here, on_ray):
        digest(study)
        tables.append((study.store.root / "results.csv").read_text())
    assert tables[0].replace('"inprocess, stack 1"', "ray") == tables[1]


def test_the_app_that_flwr_run_starts_is_ours():
    table = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    app = table["tool"]["flwr"]["app"]
    assert app["components"]["serverapp"] == "fedsoft.execution.flower_app:server_app"
    assert set(app["config"]) == {"study", "out"}


def test_predictions_are_probabilities_of_the_held_out_fold(finished):
    for one in finished.plan.runs:
        made = read_npz(finished.store.run_folder(one.key) / "predictions.npz")
        np.testing.assert_allclose(made["test"].sum(axis=1), 1, atol=1e-5)
        assert len(made["test_rows"]) in (359, 360)  # a fifth of 1,797
        assert not set(made["test_rows"]) & set(made["validation_rows"])
