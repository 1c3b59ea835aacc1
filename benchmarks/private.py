"""What private training costs: DP-SGD and DP-FedAvg beside plain training, on the same work."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.rounds import SEEDS, in_lockstep
from benchmarks.workloads import WORKLOADS
from fedsoft.execution.groups import StackChoice, groups_of
from fedsoft.federation import Task
from fedsoft.federation.programs import Stack, programs
from fedsoft.federation.records import to_parameters
from fedsoft.privacy.models import GaussianNoise
from fedsoft.streams import stream
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.training import PrivateSteps, local_update, plan_samples, plan_steps

HEADS = ("digits_mlp", "features_mlp")
"""Workloads with a head of 64 units."""
DELTA = 1e-6
MECHANISMS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "dp_sgd": {"name": "dp_sgd", "noise": 1.0},
    "dp_sgd, without replacement": {"name": "dp_sgd", "noise": 1.0, "sampling": "without_replacement"},
    "dp_fedavg": {"name": "dp_fedavg", "noise": 1.0},
    "dp_fedavg, adaptive at clients": {
        "name": "dp_fedavg",
        "noise": 1.0,
        "side": "client",
        "clipping": "adaptive",
    },
}


def compare(only: Sequence[str] | None, folder: Path, repeats: int) -> dict[str, dict[str, dict[str, float]]]:
    """Milliseconds of a round of one run under each mechanism, and ratios to plain training, by workload.

    ``training`` is the clients' local training alone, planning and noise included; ``round`` all of it.
    Mechanisms take turns, so that the machine's drift hits all alike; a ratio is the median over turns. Runs
    go in lockstep with as many seeds as plain ones would by themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for workload in WORKLOADS:
        if workload.name not in HEADS or (only and workload.name not in only):
            continue
        study = workload.study(folder)
        opened = open_study({**study, "seeds": list(range(SEEDS))}, "benchmark", folder / "none")
        runs, stack = groups_of(opened.plan.runs, "auto", 1, "cpu")[0]
        task = prepare(runs[0], opened.store, "cpu").task
        spent: dict[str, dict[str, list[float]]] = {"training": {}, "round": {}}
        for repeat in range(repeats):
            for name, mechanism in MECHANISMS.items():
                private = {"privacy": {"model": mechanism, "delta": DELTA}} if mechanism else {}
                place = folder / f"{workload.name}-{list(MECHANISMS).index(name)}-{repeat}"
                seconds = _round(study | private, stack, place)
                spent["round"].setdefault(name, []).append(seconds)
                if mechanism is None or mechanism["name"] == "dp_sgd":
                    seconds = _training(task, workload.rounds, len(runs), stack, mechanism)
                    spent["training"].setdefault(name, []).append(seconds)
        found[workload.name] = {
            f"{part}_{what}": {name: numbers(times, part_of["plain"]) for name, times in part_of.items()}
            for part, part_of in spent.items()
            for what, numbers in (("ms", _milliseconds), ("vs_plain", _ratio))
        }
    return found


def _milliseconds(times: list[float], plain: list[float]) -> float:
    return 1000 * median(times)


def _ratio(times: list[float], plain: list[float]) -> float:
    return median(a / b for a, b in zip(times, plain, strict=True))


def _round(study: dict[str, Any], stack: StackChoice, folder: Path) -> float:
    """Seconds of a round of one run, the median of all but the first."""
    many = {**study, "seeds": list(range(SEEDS))}
    group = groups_of(open_study(many, "benchmark", folder).plan.runs, stack, 1, "cpu")[0]
    return median(in_lockstep(many, group, folder)[1:])


def _training(task: Task, rounds: int, runs: int, stack: Stack, mechanism: dict[str, Any] | None) -> float:
    """Seconds of a round of one run's local training alone, the median of all but the first."""
    one, spent = to_parameters(task.initial(), torch.device("cpu")), []
    clients = task.occupied.tolist() * runs
    together = programs([len(task.train.of(client)) for client in clients], stack)
    options = task.training
    for number in range(rounds):
        spent.append(0.0)
        for some in ([clients[place] for place in program] for program in together):
            examples = [task.train.of(client) for client in some]
            start = {name: value.expand(len(some), *value.shape) for name, value in one.items()}
            began = time.perf_counter()
            rngs = [stream("benchmark batches", client=client, round=number) for client in some]
            private = None
            if mechanism is None:
                steps = plan_steps(examples, options, rngs)
            else:
                poisson = mechanism.get("sampling") != "without_replacement"
                steps = plan_samples(examples, options, rngs, poisson)
                sources = [GaussianNoise(stream("noise", client=client, round=number)) for client in some]
                private = PrivateSteps(1.0, steps.weights.max() * torch.ones(len(some)).numpy(), sources)
            local_update(
                task.model, start, task.inputs, task.targets, steps, options, options.lr, private=private
            )
            spent[-1] += (time.perf_counter() - began) / runs
    return median(spent[1:])
