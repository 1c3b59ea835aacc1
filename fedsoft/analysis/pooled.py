"""Predictions of all folds together, for what is not linear in examples."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fedsoft.analysis.finished import Finished
from fedsoft.analysis.scores import predictions_of, test_fold
from fedsoft.analysis.values import Values, stack
from fedsoft.evaluation import AGREEMENT, METRICS, Score, evaluate
from fedsoft.streams import stream

POOLED = ("ece", *AGREEMENT, "aurc", "auroc")
"""What is scored on the predictions of all folds together, since it is not linear in examples."""


@dataclass(frozen=True)
class Pooled:
    """Test predictions of all seeds of a cell under one strategy, one after the other.

    Attributes:
        probs: (J, cells, C), in the order of the values of the same images and seeds.
        references: (cells, C) by name.
    """

    probs: Tensor
    references: dict[str, Tensor]


def pool(finished: Finished, strategy: str, values: Values) -> Pooled:
    """Pool what the per-example values of a strategy were computed from."""
    probs, references = [], []
    for seed in dict.fromkeys(values.seed.tolist()):  # in the order of the values
        made = predictions_of(finished.runs(seed, strategy), finished.store)
        run = finished.runs(seed, strategy)[0]
        fold = test_fold(run, made[0]["test_rows"], made[0]["test_client"], finished.device)
        probs.append(stack(made, "test", finished.device))
        references.append(fold.references)
    return Pooled(
        torch.cat(probs, dim=1),
        {name: torch.cat([part[name] for part in references]) for name in references[0]},
    )


def pooled_scores(pooled: Pooled, values: Values) -> list[Score]:
    """Scores (J,) of what is not linear in examples; seeds that test an example redraw its label as one."""
    metrics = [METRICS.parse(name) for name in POOLED]
    return evaluate(pooled.probs, pooled.references, metrics, {}, stream("floors"), image=values.image)


Reliability = dict[tuple[str, str], tuple[np.ndarray, dict[str, np.ndarray]]]
"""By strategy and source, pooled confidence (N,), and hits (N,) by reference."""


def reliability_of(strategy: str, values: Values, pooled: Pooled) -> Reliability:
    """What reliability diagrams are drawn from."""
    confidence = pooled.probs.amax(-1).cpu().numpy()
    return {
        (strategy, source): (
            confidence[j],
            {
                name: values.values["raw", name, "accuracy"][j]
                for name in ("label", "mode", "vote")
                if name in pooled.references
            },
        )
        for j, source in enumerate(values.sources)
    }
