"""What a temperature loses by being private: Brier score and NLL above those of the best one, in thousandths.

    python simulations/private_temperature.py

Models of 10 classes are twice too sharp, or just right. A temperature is drawn by the exponential mechanism
from a few labels, by the Brier score or by an NLL clipped at a bound, and scored on 20,000 other examples. In
the last column nothing is private, in the first nothing is calibrated. No study that is reported has a part
in this.
"""

import argparse

import numpy as np
import torch
from torch import Tensor

from fedsoft.evaluation import apply_temperature, onehot
from fedsoft.evaluation.private_temperature import (
    REACH,
    TEMPERATURES,
    temperature_chances,
    temperature_losses,
)
from fedsoft.evaluation.temperature import PSEUDO
from fedsoft.streams import stream

CLASSES, TESTED = 10, 20_000
EPSILONS = (0.5, 1.0, 2.0, np.inf)
BOUNDS = (2.0, 4.0, 6.0, 10.0)


def model(examples: int, sharper: float, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """A model's predictions, labels and the truth behind them, each (N, C)."""
    logits = rng.normal(size=(examples, CLASSES))
    logits[np.arange(examples), rng.integers(0, CLASSES, examples)] += rng.gamma(2, 1, examples)
    truth = torch.as_tensor(logits).softmax(dim=1)
    chance = torch.as_tensor(rng.random((examples, 1)))
    labels = (truth.cumsum(dim=1) < chance).sum(dim=1).clamp_max(CLASSES - 1)
    return torch.as_tensor(sharper * logits).softmax(dim=1), onehot(labels, CLASSES), truth


def clipped(probs: Tensor, reference: Tensor, bound: float) -> Tensor:
    """What each temperature costs on examples and pseudo-examples by NLL clipped at a bound (nats)."""
    losses = []
    for temperature in TEMPERATURES.tolist():
        nll = -apply_temperature(probs, temperature).log().clamp_min(-bound)
        losses.append((nll * reference).sum() + PSEUDO * (nll * probs).sum(dim=1).mean())
    return torch.stack(losses)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=300)
    options = parser.parse_args()
    print("sharper examples score      none", *(f"       ε {epsilon:g}" for epsilon in EPSILONS))
    for sharper in (2.0, 1.0):
        for examples in (150, 800):
            rng = stream("private temperature, simulated", examples=examples, sharper=str(sharper))
            test, _, truth = model(TESTED, sharper, rng)
            tempered = [apply_temperature(test, temperature) for temperature in TEMPERATURES.tolist()]
            brier = np.array([float((p - truth).square().sum(dim=1).mean()) for p in tempered])
            nll = np.array([float(-(truth * p.log()).sum(dim=1).mean()) for p in tempered])
            excess = 1000 * np.stack([brier - brier.min(), nll - nll.min()])
            found: dict[str, list[np.ndarray]] = {}
            for _ in range(options.draws):
                probs, labels, _ = model(examples, sharper, rng)
                losses = {"Brier": temperature_losses(probs, labels, PSEUDO)}
                losses |= {f"NLL < {b:g}": clipped(probs, labels, b) * REACH / b for b in BOUNDS}
                for name, of in losses.items():
                    expected = [excess @ temperature_chances(of, epsilon) for epsilon in EPSILONS]
                    found.setdefault(name, []).append(np.array(expected))
            none = excess[:, TEMPERATURES == 1][:, 0]
            for name, of_draws in found.items():
                each = [none, *np.mean(of_draws, axis=0)]
                figures = " ".join(f"{one[0]:5.1f}/{one[1]:5.0f}" for one in each)
                print(f"{sharper:7} {examples:8} {name:8} {figures}", flush=True)


if __name__ == "__main__":
    main()
