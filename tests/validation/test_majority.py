"""Labels that are the votes' own mode: no more is known of distributions than votes tell."""

from dataclasses import replace

import numpy as np
import torch

from fedsoft.annotators.likely import likely_distributions
from fedsoft.evaluation import METRICS, agreement_ceiling, soft_labels
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence, supervise


def nearness(targets: np.ndarray, truth: np.ndarray) -> float:
    """Mean KL divergence from the truth (N, C) to targets (N, C); below zero is impossible."""
    return float(METRICS.parse("kl")(torch.from_numpy(targets), torch.from_numpy(truth)))


def test_shrunk_labels_recover_the_truth_better_than_raw_shares(build, repetitions):
    for number in repetitions(3):
        world = build(number, "image")
        votes = world.crowd(5)
        evidence = Evidence(
            votes.argmax(axis=1), 4, np.zeros_like(world.labels), votes=votes, labels_are_majority=True
        )
        raw, shrunk = (
            supervise(SOURCES.parse(name), evidence, None, stream)[0]
            for name in ("human_soft", "human_soft_shrunk")
        )
        assert nearness(shrunk, world.truth) < 0.5 * nearness(raw, world.truth)


def test_ceilings_hold(build, repetitions):
    """The truth itself scores no better than the ceiling that votes alone give it, but for chance."""
    beaten = 0
    numbers = repetitions(3)
    for number in numbers:
        world = build(number, "image")
        world = replace(world, votes=world.crowd(5))
        truths = likely_distributions(world.votes, world.votes.argmax(axis=1), labels_are_majority=True)
        counts = torch.from_numpy(world.votes.sum(axis=1))
        ceiling = np.mean(
            [
                agreement_ceiling(torch.from_numpy(t), counts, stream("ceiling", number=number))["kl"]
                for t in truths
            ]
        )
        people = soft_labels(torch.from_numpy(world.votes))
        reached = float(METRICS.parse("kl")(torch.from_numpy(world.truth), people))
        beaten += reached < 0.9 * ceiling
    assert beaten == 0
