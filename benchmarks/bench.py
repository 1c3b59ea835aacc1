"""Measure fedsoft beside a plain PyTorch loop and stock Flower simulation, in one run, on the same work.

    python -m benchmarks.bench                  # everything: about 20 minutes on two cores
    python -m benchmarks.bench --only features_mlp --no-stock

Writes `benchmarks/results.json` and the table in `benchmarks/README.md`. Ratios below 1 mean that fedsoft is
faster than the plain loop; those against stock Flower say how many times faster it is.
"""

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import plain_loop, stock_flower
from benchmarks.tasks import load
from benchmarks.workloads import WORKLOADS, Workload
from fedsoft.config import read_study
from fedsoft.federation import InProcessGrid, to_parameters
from fedsoft.files import write_json, write_text
from fedsoft.streams import stream
from fedsoft.study.execute import execute
from fedsoft.study.run import Hooks
from fedsoft.study.study import open_study
from fedsoft.training import local_update, plan_steps

HERE = Path(__file__).parent
REPEATS = 5
STOCK_ROUNDS = 8


def fedsoft_rounds(study: dict[str, Any], folder: Path) -> list[float]:
    """Seconds of each round with strategy, records and evaluation, without the first."""
    opened, marks = open_study(study, "benchmark", folder), []
    execute(
        opened.plan.runs[0],
        opened.store,
        lambda task: InProcessGrid(task),
        "inprocess",
        "cpu",
        Hooks(lambda run, figures: marks.append(time.perf_counter())),
    )
    return [after - before for before, after in pairwise(marks)]


def fedsoft_training(study: dict[str, Any]) -> list[float]:
    """Seconds of the clients' training alone, all of them as one tensor program."""
    task, _ = load(json.dumps(study))
    one, spent = to_parameters(task.initial(), torch.device("cpu")), []
    start = {name: value.expand(len(task.occupied), *value.shape) for name, value in one.items()}
    for number in range(study["rounds"]):
        began = time.perf_counter()
        rngs = [stream("benchmark", client=int(client), round=number) for client in task.occupied]
        steps = plan_steps([task.train.of(client) for client in task.occupied], task.training, rngs)
        local_update(task.model, start, task.inputs, task.targets, steps, task.training, task.training.lr)
        spent.append(time.perf_counter() - began)
    return spent


def compare(workload: Workload, folder: Path, stock: bool) -> dict[str, float]:
    """Times and ratios of one workload; contestants take turns, so that the machine's drift hits all."""
    study = workload.study(folder)
    task, validation = load(json.dumps(study))
    times: dict[str, list[float]] = {"training": [], "loop_training": [], "round": [], "loop_round": []}
    for repeat in range(REPEATS):
        training, whole = plain_loop.run(task, validation, max(3, workload.rounds // 2))
        times["loop_training"].append(median(training[1:]))
        times["loop_round"].append(median(whole[1:]))
        times["training"].append(median(fedsoft_training(study)[1:]))
        times["round"].append(median(fedsoft_rounds(study, folder / f"{workload.name}-{repeat}")))
    result = {f"{name}_ms": 1000 * median(values) for name, values in times.items()}
    pairs = (("training_vs_loop", "training", "loop_training"), ("round_vs_loop", "round", "loop_round"))
    for name, ours, theirs in pairs:
        result[name] = median(a / b for a, b in zip(times[ours], times[theirs], strict=True))
    if stock:
        rounds, _ = stock_flower.run(json.dumps(study), STOCK_ROUNDS, os.cpu_count() or 1)
        result["stock_round_ms"] = 1000 * median(rounds)
        result["round_vs_stock"] = result["stock_round_ms"] / result["round_ms"]
    return result


def compare_study(folder: Path) -> dict[str, float]:
    """The flagship study against its runs on stock Flower, started one by one (extrapolated from five)."""
    file = HERE.parent / "configs/audit.toml"
    began = time.perf_counter()
    command = [sys.executable, "-m", "fedsoft.cli", "run", str(file), "--out", str(folder / "audit")]
    subprocess.run(command, check=True, capture_output=True)
    ours = time.perf_counter() - began
    table = read_study(file)
    plan = open_study(table, str(file), folder / "audit").plan
    runs = sum(run.kind in ("teacher", "trained") for phase in plan.phases for run in phase)
    one = {**table, "sources": ["hard"], "rivals": [], "grid": {}}
    one.pop("endpoint")
    spent = [stock_flower.run(json.dumps(one), plan.study.rounds, os.cpu_count() or 1)[1] for _ in range(5)]
    return {
        "study_s": ours,
        "stock_run_s": median(spent),
        "runs": runs,
        "study_vs_stock": runs * median(spent) / ours,
    }


def table(results: dict[str, Any]) -> str:
    """The results as the README's table."""
    columns = ("training_vs_loop", "round_vs_loop", "round_vs_stock", "round_ms", "loop_round_ms")
    columns += ("stock_round_ms",)
    lines = ["| workload | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for name, row in results["workloads"].items():
        cells = [f"{row[column]:.3g}" if column in row else "not run" for column in columns]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the contests and write the results."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=[w.name for w in WORKLOADS])
    parser.add_argument("--no-stock", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "torch": torch.__version__},
        "workloads": {},
    }
    with tempfile.TemporaryDirectory(prefix="fedsoft-bench-") as folder:
        for workload in WORKLOADS:
            if not options.only or workload.name in options.only:
                results["workloads"][workload.name] = compare(workload, Path(folder), not options.no_stock)
                print(workload.name, json.dumps(results["workloads"][workload.name], indent=1), flush=True)
        if not options.no_stock and not options.only:
            results["study"] = compare_study(Path(folder))
            print("study", json.dumps(results["study"], indent=1), flush=True)
    if not options.only:
        write_json(HERE / "results.json", results)
        readme = (HERE / "README.md").read_text()
        head = readme[: readme.index("<!-- results -->")]
        write_text(
            HERE / "README.md", f"{head}<!-- results -->\n\n{table(results)}\n\n{study_line(results)}\n"
        )


def study_line(results: dict[str, Any]) -> str:
    """The whole study against stock Flower, as a sentence."""
    if "study" not in results:
        return "The whole study was not compared."
    study = results["study"]
    return (
        f"The flagship study (`configs/audit.toml`, {study['runs']} runs) took {study['study_s']:.0f} s with "
        f"its report; one of its runs on stock Flower simulation takes {study['stock_run_s']:.0f} s (median "
        f"of five), so {study['runs']} of them, extrapolated, {study['study_vs_stock']:.0f} times as long."
    )


if __name__ == "__main__":
    main()
