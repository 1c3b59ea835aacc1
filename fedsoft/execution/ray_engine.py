"""The Ray engine: one Flower simulation for all runs of a study."""

import logging
import os
import warnings
from dataclasses import dataclass

from fedsoft.errors import EngineError
from fedsoft.execution.run import Hooks
from fedsoft.study.settings import RunSettings
from fedsoft.study.store import Store


@dataclass(frozen=True)
class Ray:
    """Flower's simulation on Ray: ``workers`` client actors with one core each."""

    store: Store
    device: str
    workers: int

    def run(self, phases: list[list[RunSettings]], hooks: Hooks) -> None:
        """Execute all runs in one simulation.

        Raises:
            Interrupted: ``hooks.stop`` said so; the unfinished run left a checkpoint.
            FedsoftError: the simulation cannot be used, or results cannot be written.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
        from flwr.app import Context
        from flwr.serverapp import Grid, ServerApp
        from flwr.simulation import run_simulation

        from fedsoft.execution.flower_app import client_app, run_on

        runs = [run for phase in phases for run in phase]
        clients = max(run.scenario.clients for run in runs)
        server = ServerApp()
        finished = False

        @server.main()
        def main(grid: Grid, context: Context) -> None:
            nonlocal finished
            run_on(grid, phases, clients, self.store, "ray", self.device, hooks)
            finished = True

        gpus = 1.0 / self.workers if self.device == "cuda" else 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_simulation(
                server,
                client_app,
                num_supernodes=clients,
                backend_config={
                    "client_resources": {"num_cpus": 1, "num_gpus": gpus},
                    "init_args": {
                        "address": "local",  # else it would join whatever cluster runs here
                        "num_cpus": self.workers,
                        "log_to_driver": False,
                        "logging_level": logging.ERROR,
                        "include_dashboard": False,
                    },
                },
            )
        if not finished:
            raise EngineError("Flower's simulation ended before the study did; see the log, and run again.")
