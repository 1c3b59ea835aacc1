"""fedsoft as a Flower app: what `flwr run` and Flower's simulation execute."""

from functools import lru_cache
from pathlib import Path

import torch
from flwr.app import ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp

from fedsoft.config import read_study
from fedsoft.errors import StudyFileError
from fedsoft.execution.lockstep import execute
from fedsoft.execution.run import Hooks, Host
from fedsoft.federation import Task
from fedsoft.federation.client import make_client_app
from fedsoft.federation.grids import FlowerGrid, find_nodes
from fedsoft.study.data import pick_device
from fedsoft.study.plan import make_plan
from fedsoft.study.prepare import prepare
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store
from fedsoft.training import compute_in


@lru_cache(maxsize=4)
def _task(store: str, run: str, device: str) -> Task:
    torch.set_num_threads(1)
    folder = Store(Path(store))
    settings = folder.settings(run)
    compute_in(settings.precision, device)
    return prepare(settings, folder, device).task


def load_task(config: ConfigRecord) -> Task:
    """The run that a message's config names, prepared once a process."""
    return _task(str(config["store"]), str(config["run"]), str(config["device"]))


client_app = make_client_app(load_task)


def run_on(
    grid: Grid,
    phases: list[list[RunSettings]],
    clients: int,
    store: Store,
    engine: str,
    device: str,
    hooks: Hooks,
) -> None:
    """Execute every run of a study on one of Flower's grids, one after the other."""
    nodes = find_nodes(grid, clients)
    host = Host(store, lambda task: FlowerGrid(task, grid, nodes), engine, device, hooks)
    for run in (run for phase in phases for run in phase):
        execute(run, host)


server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    """Execute the study that the run configuration names; results are the files under ``out``."""
    study, out = str(context.run_config["study"]), str(context.run_config["out"])
    if not study or not out:
        raise StudyFileError('flwr run needs a study and a folder: -c \'study="/path.toml" out="/folder"\'.')
    plan = make_plan(read_study(Path(study)), study)
    store = Store(Path(out))
    device = pick_device(plan.study.device)
    run_on(grid, plan.open(store), plan.clients, store, "flwr", device, Hooks())
