"""Planted effects of a stated smallest size are found in 80 % of studies: 2,000 images, ten seeds."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from fedsoft.analysis.estimates import CONTRAST
from fedsoft.streams import stream

MATCHED, SHUFFLED, SHRUNK = "human_soft_mode_matched", "shuffled_mode_matched", "human_soft_shrunk"


@dataclass(frozen=True)
class Planted:
    """An effect made by a known cause.

    Attributes:
        name: the effect's.
        sources: those it needs, the baseline first.
        where: view, reference, metric and stratum in which it is read.
        size: its mean over studies, in the metric's unit, within a quarter.
        make: number of a study -> world, and the people it is trained on.
    """

    name: str
    sources: list[Any]
    where: tuple[str, str, str, str]
    size: float
    make: Callable[..., Any]


def blurred(number, build):
    """People disagree on one image in eight, which hard labels do not tell and features do."""
    world = build(number, "image", share=0.12)
    return world, None


def mislabelled(number, build):
    """Three labels of a hundred are wrong, and people know better."""
    world = build(number, "none")
    wrong = stream("wrong labels", number=number).random(len(world.labels)) < 0.03
    return replace(world, labels=np.where(wrong, (world.labels + 1) % 4, world.labels)), None


def careless(number, build):
    """One vote of a hundred slips."""
    world = build(number, "image")
    votes = world.crowd(5, slip_rate=0.01)
    return world, lambda seed: (world.labels, votes)


DENOISED = {"name": "human_soft_denoised", "slip_rate": 0.01}
PLANTED = [
    Planted(
        "human_soft − hard",
        ["hard", "human_soft"],
        ("equal_confidence", "vote", "signed_gap", CONTRAST),
        -0.02,
        blurred,
    ),
    Planted("place", [SHUFFLED, MATCHED], ("equal_confidence", "vote", "brier", "all"), -0.0025, blurred),
    Planted(
        "mode", ["hard", "human_hard"], ("equal_confidence", "mode", "brier", "all"), -0.006, mislabelled
    ),
    Planted("carelessness", [DENOISED, SHRUNK], ("raw", "label", "brier", "all"), 0.008, careless),
]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_planted_effects_are_found(planted, build, study, repetitions):
    view, reference, metric, stratum = planted.where
    found = []
    for number in repetitions(5):
        world, people = planted.make(number, build)
        rows = study(world, planted.sources, people, [metric], [reference])
        (row,) = (r for r in rows if (r.name, r.view, r.stratum) == (planted.name, view, stratum))
        found.append((row.estimate, row.low, row.high))
    mean, low, high = np.array(found).T * np.sign(planted.size)
    ends = low if planted.size > 0 else high
    print(f"{planted.name}: mean {mean.mean():.4f}, found in {(ends > 0).sum()} of {len(ends)}")
    assert mean.mean() == pytest.approx(abs(planted.size), rel=0.25)
    assert (ends > 0).mean() >= 0.8
