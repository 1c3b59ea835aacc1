"""How many pseudo-examples calibrators need: loss above the truth's own, by examples that they are fitted to.

    python simulations/pseudo.py

Models of 2, 4 or 10 classes are sharper than the truth by a log-normal factor and lean to some classes. Each
is calibrated on a few labels drawn from the truth and compared with the truth on 2,000 other examples. The
last column is no calibration at all. No study that is reported has a part in this.
"""

import argparse

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation import CALIBRATORS, METRICS, onehot
from fedsoft.streams import stream

PSEUDO = (0, 2, 5, 10, 20, 40, 100, 200, 400)
EXAMPLES = (10, 30, 100, 300, 1000)
KL = METRICS.parse("kl")


def model(examples: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A model's predictions, labels and the truth behind them, each (N, C)."""
    classes, spread = int(rng.choice([2, 4, 10])), float(rng.choice([0.1, 0.3, 0.8]))
    truth = torch.as_tensor(rng.dirichlet(np.full(classes, spread), examples)).clamp_min(1e-9)
    truth = truth / truth.sum(dim=1, keepdim=True)
    chance = torch.as_tensor(rng.random((examples, 1)))
    labels = (truth.cumsum(dim=1) < chance).sum(dim=1).clamp_max(classes - 1)
    sharper, leaning = np.exp(rng.normal(0.2, 0.4)), torch.as_tensor(rng.normal(0, 0.2, classes))
    return (sharper * truth.log() + leaning).softmax(dim=1), onehot(labels, classes), truth


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=40)
    options = parser.parse_args()
    print("calibrator         examples", *(f"{pseudo:7}" for pseudo in PSEUDO), "   none")
    for name in CALIBRATORS.names():
        for examples in EXAMPLES:
            losses = []
            for number in range(options.models):
                made = model(examples + 2000, stream("simulated model", number=number, examples=examples))
                (probs, test), (labels, _), (_, truth) = (rows.split([examples, 2000]) for rows in made)
                maps = [CALIBRATORS.parse({"name": name, "pseudo": k}).fit(probs, labels) for k in PSEUDO]
                losses.append([float(KL(made, truth)) for made in [*(m(test) for m in maps), test]])
            print(
                f"{name:18} {examples:8}", *(f"{loss:7.4f}" for loss in np.mean(losses, axis=0)), flush=True
            )


if __name__ == "__main__":
    main()
