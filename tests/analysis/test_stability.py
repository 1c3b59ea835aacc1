import csv
import math

import numpy as np
import pytest
import torch

from fedsoft.analysis.digest import digest
from fedsoft.analysis.stability import progress, steadiness
from fedsoft.evaluation import apply_temperature
from fedsoft.streams import stream
from fedsoft.study.opened import open_study


def repetitions(rows, sources=2, classes=3):
    rng = stream("repetitions")
    return [
        (np.asarray(r), torch.from_numpy(rng.dirichlet(np.ones(classes), (sources, len(r))))) for r in rows
    ]


def test_measures_are_means_over_pairs_and_shared_images():
    made = repetitions([[0, 1, 2, 3], [3, 1, 7], [8, 9]])
    found = steadiness(made)
    first, second = made[0][1][:, [1, 3]].numpy(), made[1][1][:, [1, 0]].numpy()
    for j, one in enumerate(found):
        assert one.churn[0] == np.mean(first[j].argmax(-1) != second[j].argmax(-1))
        assert one.variance[0] == pytest.approx((np.square(first[j] - second[j]).sum(-1) / 2).mean())
        assert (one.pairs, one.unit) == (1, "images")
        assert one.variance[1] <= one.variance[0] <= one.variance[2]


def test_repetitions_that_share_no_image_say_nothing():
    assert steadiness(repetitions([[0, 1], [2, 3]])) == []


def test_softening_steadies_as_predicted_but_not_at_equal_confidence():
    rng = stream("softened")
    logits = rng.normal(size=(200, 4)) * 2
    sharp = [torch.from_numpy(logits + rng.normal(size=(200, 4))).softmax(-1) for _ in range(3)]
    made = [(np.arange(200), torch.stack([p, apply_temperature(p, 2.5)])) for p in sharp]
    hard, soft = steadiness(made)
    assert soft.variance[2] < hard.variance[1]
    assert soft.variance_equal_confidence[0] == pytest.approx(hard.variance_equal_confidence[0], rel=1e-3)
    assert soft.churn == hard.churn
    assert hard.unit == "repetitions"


def test_rounds_to_target_by_hand():
    nll = np.array(
        [
            [[2.0, 1.2, 1.015, 1.0], [2.0, 1.51, 1.5, 1.7]],  # within 0.02 of 1.0 and of 1.5: rounds 2 and 1
            [[2.0, 1.5, 1.1, 1.01], [2.0, 1.9, 1.8, 1.7]],  # round 3, and never
        ]
    )
    first, second = progress(nll)
    assert (first.rounds_to_target, first.reached, first.seeds) == (1.5, 2, 2)
    assert math.isnan(second.rounds_to_target)
    assert second.reached == 1
    assert first.spread == pytest.approx(0.7 / math.sqrt(2))
    assert math.isnan(progress(nll[:, :1])[0].spread)


@pytest.fixture(scope="module")
def paired(tmp_path_factory, run):
    """Two seeds a fold in three of five folds, under one strategy."""
    table = {
        "name": "paired",
        "dataset": "digits",
        "sources": ["hard", "human_soft"],
        "strategies": ["fedavg"],
        "model": {"name": "mlp", "hidden": [4]},
        "scenario": {"clients": 3},
        "rounds": 2,
        "seeds": [0, 1, 2, 3, 5, 6, 7],
    }
    return run(open_study(table, "paired.toml", tmp_path_factory.mktemp("paired")))


def test_seeds_of_a_fold_are_compared(paired):
    result = digest(paired)
    found = result.cells[0].stability["fedavg", "hard"]
    assert (found.steadiness.pairs, found.steadiness.unit) == (3, "sets")
    runs = {r.seed: r.key for r in paired.plan.runs if r.arm.label() == "hard"}
    differs, variances = [], []
    for a, b in ((0, 5), (1, 6), (2, 7)):
        made = [paired.store.predictions(runs[seed]) for seed in (a, b)]
        first, second = (m["test"][np.argsort(m["test_rows"])].astype(float) for m in made)
        differs += (first.argmax(-1) != second.argmax(-1)).tolist()
        variances += np.stack([first, second]).var(axis=0, ddof=1).sum(-1).tolist()
    assert found.steadiness.churn[0] == pytest.approx(np.mean(differs))
    assert found.steadiness.variance[0] == pytest.approx(np.mean(variances))
    assert found.progress.seeds == 7
    final = [paired.store.rounds(key)[-1]["nll"] for key in runs.values()]
    assert found.progress.spread == pytest.approx(np.std(final, ddof=1))

    with (paired.store.root / "stability.csv").open() as file:
        rows = {row["source"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["hard", "human_soft"]
    assert float(rows["hard"]["churn_low"]) == found.steadiness.churn[1]
    assert (rows["hard"]["strategy"], rows["hard"]["unit"], rows["hard"]["seeds"]) == ("fedavg", "sets", "7")


def test_seeds_of_different_folds_are_not(finished):
    found = digest(finished).cells[0].stability
    assert len(found) == 8
    assert all(one.steadiness is None and one.progress.seeds == 2 for one in found.values())
    with (finished.store.root / "stability.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["churn"], row["unit"], row["seeds"]) for row in rows} == {("", "", "2")}
