"""Private training gives the same bits on every engine, and the same up to rounding at every stack."""

from pathlib import Path

import numpy as np
import pytest

from fedsoft.config import read_study
from fedsoft.execution.ray_engine import Ray
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.execution.superlink import flwr_run
from fedsoft.study.opened import open_study

STUDY = """
dataset = "digits"
sources = ["hard", "human_soft"]
strategies = ["fedavg", "fedadam"]
model = { name = "mlp", hidden = [16] }
rounds = 3
seeds = [0]
training = { batch_size = 16, momentum = 0.5 }
[scenario]
clients = 3
participation = 0.5
sampling = "poisson"
partition = { name = "dirichlet", alpha = 0.5 }
[privacy]
delta = 1e-5
[privacy.model]
name = "dp_sgd"
noise = 1.0
[grid]
"privacy.model" = [
  { name = "dp_sgd", epsilon = 4.0 },
  { name = "dp_sgd", noise = 1.0, sampling = "without_replacement" },
  { name = "dp_fedavg", noise = 1.0, side = "client", clipping = "adaptive" },
]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


def test_stacks_and_lockstep_agree(file, tmp_path, run):
    one, many = (
        run(open_study(read_study(file), str(file), tmp_path / str(stack)), stack=stack)
        for stack in (1, "all")
    )
    assert not one.failures
    for settings in one.plan.runs:
        a, b = (study.store.predictions(settings.key)["test"] for study in (one, many))
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_a_private_run_goes_on_where_it_stopped(file, tmp_path, run, models):
    through = run(open_study(read_study(file), str(file), tmp_path / "through"), stack=1)
    stopped = open_study(read_study(file), str(file), tmp_path / "stopped")
    asked = iter(range(10**6))
    while stopped.open_runs:
        try:
            run(stopped, stack=1, hooks=Hooks(stop=lambda: next(asked) % 3 == 2))
        except Interrupted:
            continue
    assert models(stopped.store.root) == models(through.store.root)


@pytest.mark.slow
def test_ray_and_flwr_run_give_the_same_bits(file, tmp_path, run, models):
    here = run(open_study(read_study(file), str(file), tmp_path / "here"), stack=1)
    on_ray = open_study(read_study(file), str(file), tmp_path / "ray")
    Ray(on_ray.store, "cpu", workers=2).run(on_ray.plan.open(on_ray.store), Hooks())
    assert len(models(tmp_path / "here")) == 12
    assert models(tmp_path / "ray") == models(tmp_path / "here")
    flwr_run(Path(__file__).parents[2], file, tmp_path / "flwr", here.plan.clients, workers=2)
    assert models(tmp_path / "flwr") == models(tmp_path / "here")
    for one in here.plan.runs:
        assert here.store.record(one.key)["privacy"] == on_ray.store.record(one.key)["privacy"]
