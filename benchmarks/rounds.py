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
from fedsoft.federation import Task, to_parameters
from fedsoft.files import write_npz
from fedsoft.study.execute import execute_together
from fedsoft.study.groups import Group, groups_of
from fedsoft.study.run import Hooks
from fedsoft.study.study import open_study
from fedsoft.training import local_update

ROUNDS = 8
"""Of each simulation of a peer; the first is not counted."""
SEEDS = 12
PEERS = ("stock", "pfl")


def compare(workload: Workload, folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds of fedsoft, the plain loop and the limit for a round of one run: medians of each repetition.

    They take turns in one process, so that the machine's drift hits all alike. fedsoft runs as in a study:
    as many seeds in lockstep as it would choose by itself, each of which gets its share of the time.
    """
    study = workload.study(folder)
    task, validation = load(json.dumps(study))
    many = {**study, "seeds": list(range(SEEDS))}
    group = groups_of(open_study(many, "benchmark", folder / "seeds").plan.runs, "auto", 1, "cpu")[0]
    runs = len(group[0])
    times: dict[str, list[float]] = {}
    for repeat in range(repeats):
        loop_training, loop_round = plain_loop.run(task, validation, max(3, workload.rounds // 2))
        training, bare = _training(task, workload.rounds, runs)
        for name, seconds in (
            ("loop_training", loop_training),
            ("loop_round", loop_round),
            ("training", training),
            ("limit", bare),
            ("round", _rounds(many, group, folder / f"{workload.name}-{repeat}")),
        ):
            times.setdefault(name, []).append(median(seconds[1:]))
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
            found[f"round_vs_{peer}"] = median(times[f"{peer}_round"]) / median(times["round"])
    return found


def _rounds(study: dict[str, Any], group: Group, folder: Path) -> list[float]:
    """Seconds of each round of a run with strategy, records and evaluation, in lockstep with others."""
    opened, marks = open_study(study, "benchmark", folder), [time.perf_counter()]
    runs, stack = group
    hooks = Hooks(lambda run, figures: marks.append(time.perf_counter()))
    execute_together(runs, opened.store, stack, "cpu", hooks)
    ends = marks[:: len(runs)]
    return [(after - before) / len(runs) for before, after in pairwise(ends)]


def _training(task: Task, rounds: int, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of each round of a run's local training alone, and of its arithmetic alone."""
    one, spent, bare = to_parameters(task.initial(), torch.device("cpu")), [], []
    clients = runs * len(task.occupied)
    start = {name: value.expand(clients, *value.shape) for name, value in one.items()}
    for number in range(rounds):
        began = time.perf_counter()
        steps = limit.draw(task, number, runs)
        local_update(task.model, start, task.inputs, task.targets, steps, task.training, task.training.lr)
        spent.append((time.perf_counter() - began) / runs)
        bare.append(limit.train(task, start, steps)[1] / runs)
    return spent, bare


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
