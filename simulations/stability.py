"""How steady training is from seed to seed, by source, from a study that has run.

    fedsoft run configs/audit_cifar10h.toml
    python simulations/stability.py runs/audit_cifar10h

Compares seeds that hold out the same fold (seed mod folds), so that both predict the same images: churn of
the predicted class, and the variance of predictions, as they are and at equal mean confidence, since softer
models vary less for mechanical reasons. All that the seed decides differs: initial weights, partition, votes.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from fedsoft.evaluation import apply_temperature, churn, prediction_variance, temperature_for_confidence
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.study.plan import labels
from fedsoft.study.study import reopen_study


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    study = reopen_study(options.folder)
    for cell in study.plan.cells:
        sources, strategy = labels(cell.study.arms), cell.study.strategies[0].label()
        runs = {(r.arm.label(), r.seed): r for r in cell.runs if r.strategy.label() == strategy}
        found = []
        for fold in range(cell.study.folds):
            seeds = [seed for seed in cell.study.seeds if seed % cell.study.folds == fold]
            if len(seeds) < 2:
                continue
            made = [[study.store.predictions(runs[s, seed].key) for s in sources] for seed in seeds]
            order = np.argsort(made[0][0]["test_rows"])
            stacked = [
                [m["test"][np.argsort(m["test_rows"])] for m in row] for row in made
            ]  # the same images in the same order, whoever holds them
            assert all((np.sort(row[0]["test_rows"]) == made[0][0]["test_rows"][order]).all() for row in made)
            probs = torch.from_numpy(np.array(stacked)).double()  # (seeds, sources, images, classes)
            equal = apply_temperature(probs, temperature_for_confidence(probs, probs.amax(-1).mean()))
            found.append(torch.stack([churn(probs), prediction_variance(probs), prediction_variance(equal)]))
        if not found:
            print("No two seeds of this study hold out the same fold; give it more seeds than folds.")
            return
        means = torch.stack(found).mean(dim=0)
        rows = [
            [Cell(source), *(Cell(f"{value:.4f}") for value in means[:, j].tolist())]
            for j, source in enumerate(sources)
        ]
        columns = ("source", "churn", "variance", "variance at\nequal confidence")
        console = Console()
        console.print(f"\n{cell.axes or study.plan.study.name}, {strategy}, {len(found)} folds")
        console.print(to_rich(Table(columns, rows)))


if __name__ == "__main__":
    main()
