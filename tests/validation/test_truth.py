"""The truth scores best: no change of what people really see agrees with them better."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fedsoft.evaluation import METRICS, apply_temperature, soft_labels
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence, supervise


@pytest.fixture(scope="module")
def world(build):
    return build(0, "image")


@pytest.fixture(scope="module")
def changed(world):
    """The truth, changed in each of the ways in which a model may miss it."""
    truth = torch.from_numpy(world.truth)
    means = torch.stack([truth[world.labels == y].mean(dim=0) for y in range(4)])[world.labels]
    order = np.lexsort((stream("shuffle").random(len(truth)), world.labels))
    shuffled = torch.empty_like(truth)
    shuffled[np.argsort(world.labels, kind="stable")] = truth[order]
    return {
        "sharper": apply_temperature(truth, 0.8),
        "softer": apply_temperature(truth, 1.25),
        "smoothed": 0.95 * truth + 0.05 / 4,
        "towards class means": 0.9 * truth + 0.1 * means,
        "class means": means,
        "shuffled within classes": shuffled,
    }


def score(metric, probs, votes):
    """Higher is better."""
    value = float(METRICS.parse(metric)(probs, soft_labels(torch.from_numpy(votes))))
    return {"lower": -value, "higher": value, "zero": -abs(value)}[METRICS.get(metric).better]


@pytest.mark.parametrize(
    "metric", ["kl", "total_variation", "entropy_error", "entropy_correlation", "nll", "brier"]
)
def test_no_change_of_the_truth_agrees_better_with_many_people(metric, world, changed):
    """Strictly worse, but for what a metric cannot see: shuffling leaves the mean entropy as it was."""
    votes = world.crowd(100_000)
    best = score(metric, torch.from_numpy(world.truth), votes)
    for name, probs in changed.items():
        unseen = metric == "entropy_error" and name == "shuffled within classes"
        assert score(metric, probs, votes) < best or unseen, name


@pytest.mark.parametrize("metric", ["nll", "brier", "kl"])
def test_proper_scores_prefer_the_truth_with_a_single_vote_too(metric, world, changed):
    single = [world.crowd(1, draw=draw) for draw in range(50)]
    truth = torch.from_numpy(world.truth)
    for name, probs in changed.items():
        gain = np.mean([score(metric, truth, v) - score(metric, probs, v) for v in single])
        assert gain > 0, name


def test_human_soft_of_many_votes_is_the_truth(world):
    """At 1,000,000 votes a share errs by at most .0005; five of these are the limit over 8,000 shares."""
    evidence = Evidence(world.labels, 4, np.zeros_like(world.labels), votes=world.crowd(1_000_000))
    targets, _ = supervise(SOURCES.parse("human_soft"), evidence, None, stream)
    np.testing.assert_allclose(targets, world.truth, atol=5 * 0.0005)


def test_a_model_of_human_soft_is_nearer_to_the_truth_than_one_of_hard_labels(world, study):
    many = replace(world, votes=world.crowd(100_000))
    rows = study(many, ["hard", "human_soft"], metrics=["kl"], references=["vote"])
    found = {(row.view, row.stratum): row for row in rows if row.name == "human_soft − hard"}
    for view in ("raw", "equal_confidence"):
        assert found[view, "all"].high < -0.01, view  # nats
