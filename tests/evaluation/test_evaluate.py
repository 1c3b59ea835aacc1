import numpy as np
import pytest
import torch

from fedsoft.evaluation import METRICS, evaluate, onehot

METRIC_SET = [METRICS.parse(m) for m in ("brier", "kl", "confidence", {"name": "ece", "bins": 5})]


def test_rows(crowd, rng):
    probs, truth, _ = crowd(lead=(2,))
    first = torch.arange(300) < 100
    scores = evaluate(probs, truth, METRIC_SET, {"first": first, "none": torch.zeros(300).bool()}, rng)
    rows = {(score.stratum, score.reference, score.metric): score.value for score in scores}
    assert len(rows) == len(scores) == 3 * (3 + 1 + 1 + 3 + 3)
    torch.testing.assert_close(
        rows["first", "vote", "brier"], METRICS.parse("brier")(probs[:, :100], truth["vote"][:100])
    )
    torch.testing.assert_close(rows["all", "", "confidence"], probs.amax(-1).mean(-1))
    assert ("all", "label", "kl") not in rows
    assert (rows["first", "mode", "ece_floor(bins=5)"] > rows["all", "mode", "ece_floor(bins=5)"]).all()
    assert all(rows["none", name, "brier"].isnan().all() for name in truth)


def test_references_without_votes(crowd, rng):
    probs, truth, _ = crowd()
    scores = evaluate(probs, {"label": truth["label"]}, METRIC_SET, {}, rng)
    assert [(score.reference, score.metric) for score in scores] == [
        ("label", "brier"),
        ("", "confidence"),
        ("label", "ece(bins=5)"),
        ("label", "ece_floor(bins=5)"),
    ]


def test_predictions_of_one_image_share_its_label_in_floors(rng):
    """Ten seeds that test the same images know no more labels than one does: the floor is as high."""
    confidence = torch.full((200,), 0.7, dtype=torch.float64)
    once = torch.stack([confidence, 1 - confidence], dim=-1)
    often, image = once.repeat(10, 1), np.tile(np.arange(200), 10)
    reference = {"label": onehot(torch.zeros(2000, dtype=torch.long), 2)}
    metric = [METRICS.parse("ece")]

    def floor(probs, **options):
        scores = evaluate(probs, {"label": reference["label"][: len(probs)]}, metric, {}, rng, 200, **options)
        return next(float(score.value) for score in scores if score.metric == "ece_floor")

    assert floor(often, image=image) == pytest.approx(floor(once), rel=0.15)
    assert floor(often) < 0.5 * floor(once)
