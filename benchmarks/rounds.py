"""Contests round by round: fedsoft against a plain loop, the limit, stock Flower and pfl, on one workload."""

import json
import os
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks import limit, plain_loop
from benchmarks.apart import call
from benchmarks.tasks import load
from benchmarks.workloads import Workload
from fedsoft.execution.groups import Group, groups_of
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.processes import InProcess
from fedsoft.execution.run import Hooks
from fedsoft.federation import Task
from fedsoft.federation.programs import Stack, programs
from fedsoft.federation.records import to_parameters
from fedsoft.files import write_npz
from fedsoft.study.opened import open_study
from fedsoft.training import local_update

ROUNDS = 8
"""Of each simulation of a peer; the first is not counted."""
SEEDS = 12
PEERS = ("stock", "pfl")
"""Stock Flower spreads a run's clients over all cores, fedsoft a study's runs; pfl takes one core."""


def compare(workload: Workload, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds of fedsoft, the plain loop and the limit for a round of one run: medians of each repetition.

    They take turns in one process, so that the machine's drift hits all alike. fedsoft runs as in a study:
    as many seeds in lockstep as it would choose by itself, each of which gets its share of the time.
    """
    study = workload.study(folder)
    task, validation = load(json.dumps(study))
    many = {**study, "seeds": list(range(SEEDS))}
    group = groups_of(open_study(many, "benchmark", folder / "seeds").plan.runs, "auto", 1, "cpu")[0]
    place = len(group[0]), group[1]
    times: dict[str, list[float]] = {}
    for repeat in range(repeats):
        loop_training, loop_round = plain_loop.run(task, validation, max(3, workload.rounds // 2))
        training, bare = _training(task, workload.rounds, *place)
        for name, seconds in (
            ("loop_training", loop_training),
            ("loop_round", loop_round),
            ("training", training),
            ("limit", bare),
            ("round", in_lockstep(many, group, folder / f"{workload.name}-{repeat}")),
        ):
            times.setdefault(name, []).append(median(seconds[1:]))
    times["round_all_cores"] = _all_cores(study, place[0], folder / f"{workload.name}-all")
    return times


def stock(workload: Workload, folder: Path) -> list[float]:
    """Seconds of each round on stock Flower.

    Raises:
        RuntimeError: it failed.
    """
    study, cores = json.dumps(workload.study(folder)), os.cpu_count() or 1
    seconds: list[float] = call("benchmarks.stock_flower:run", study, ROUNDS, cores)[0]
    return seconds


def pfl(workload: Workload, folder: Path, python: str) -> list[float]:
    """Seconds of each round on pfl, which a Python of its own has.

    Raises:
        RuntimeError: it failed.
    """
    file = _for_peers(*load(json.dumps(workload.study(folder))), folder / f"{workload.name}-peers.npz")
    seconds: list[float] = call("benchmarks.pfl_peer:run", str(file), ROUNDS, python=python)["seconds"]
    return seconds


def ratios(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Medians of the ratios of those who took turns, and ratios of the medians of the others."""

    def paired(ours: str, theirs: str) -> float:
        return median(a / b for a, b in zip(times[ours], times[theirs], strict=True))

    found = {
        "training_vs_loop": paired("training", "loop_training"),
        "training_vs_limit": paired("training", "limit"),
        "round_vs_loop": paired("round", "loop_round"),
    }
    for peer in PEERS:
        if f"{peer}_round" in times:
            ours = "round_all_cores" if peer == "stock" else "round"
            found[f"round_vs_{peer}"] = median(times[f"{peer}_round"]) / median(times[ours])
    return found


def in_lockstep(study: dict[str, Any], group: Group, folder: Path) -> list[float]:
    """Seconds of each round of a run with strategy, records and evaluation, in lockstep with others."""
    opened, marks = open_study(study, "benchmark", folder), [time.perf_counter()]
    runs, stack = group
    hooks = Hooks(lambda run, figures: marks.append(time.perf_counter()))
    execute_together(runs, opened.store, stack, "cpu", hooks)
    ends = marks[:: len(runs)]
    return [(after - before) / len(runs) for before, after in pairwise(ends)]


def _training(task: Task, rounds: int, runs: int, stack: Stack) -> tuple[list[float], list[float]]:
    """Seconds of each round of a run's local training alone, and of its arithmetic alone."""
    one, spent, bare = to_parameters(task.initial(), torch.device("cpu")), [], []
    clients = task.occupied.tolist() * runs
    together = programs([len(task.train.of(client)) for client in clients], stack)
    for number in range(rounds):
        spent.append(0.0)
        bare.append(0.0)
        for some in ([clients[place] for place in program] for program in together):
            start = {name: value.expand(len(some), *value.shape) for name, value in one.items()}
            began = time.perf_counter()
            steps = limit.draw(task, number, some)
            local_update(task.model, start, task.inputs, task.targets, steps, task.training, task.training.lr)
            spent[-1] += (time.perf_counter() - began) / runs
            bare[-1] += limit.train(task, start, steps)[1] / runs
    return spent, bare


def _all_cores(study: dict[str, Any], runs: int, folder: Path) -> list[float]:
    """Seconds that a round of each run takes where every core executes runs, as in a study."""
    cores = os.cpu_count() or 1
    some = {**study, "rounds": ROUNDS, "seeds": list(range(2 * runs * cores))}
    opened = open_study(some, "benchmark", folder)
    InProcess(opened.store, "cpu", workers=cores).run(opened.plan.phases, Hooks())
    return [opened.store.record(run.key)["seconds"] / ROUNDS / cores for run in opened.plan.runs]


def _for_peers(task: Task, validation: torch.Tensor, file: Path) -> Path:
    """The work in one file, for those who know nothing of fedsoft."""
    settings = {
        "model": {"name": type(task.model).name, **task.model.model_dump()},
        "lr": task.training.lr,
        "epochs": task.training.epochs,
        "batch_size": task.training.batch_size,
    }
    write_npz(
        file,
        {
            "inputs": task.inputs.numpy(),
            "targets": task.targets.numpy(),
            "rows": task.train.rows,
            "offsets": task.train.offsets,
            "validation": validation.numpy(),
            "settings": np.array(json.dumps(settings)),
        },
    )
    return file
