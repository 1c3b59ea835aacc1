"""Two arms that are the same: stored predictions of real runs, their names exchanged at random."""

from collections import Counter
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from fedsoft.analysis.comparison import compare
from fedsoft.analysis.conclusions import conclude
from fedsoft.analysis.effects import VIEWS, seed_values
from fedsoft.analysis.estimates import CONTRAST
from fedsoft.analysis.scores import test_fold as fold_with_references
from fedsoft.analysis.values import Values
from fedsoft.annotators import draw_one
from fedsoft.config import Endpoint
from fedsoft.evaluation import onehot
from fedsoft.execution.processes import InProcess
from fedsoft.execution.run import Hooks
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study

FOLDS, RUNS = 5, 8
STUDY = {
    "name": "null",
    "dataset": "digits",
    "sources": ["human_soft"],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [16]},
    "rounds": 4,
    "seeds": list(range(FOLDS * RUNS)),
    "scenario": {"clients": 4, "partition": {"name": "dirichlet", "alpha": 0.5}},
    "training": {"lr": 0.2},
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Forty runs, eight on each fold, that differ in nothing but the seed."""
    study = open_study(STUDY, "null.toml", tmp_path_factory.mktemp("null"))
    InProcess(study.store, study.device, "all", 1).run(study.plan.open(study.store), Hooks())
    return study


@pytest.fixture(scope="module")
def blocks(opened):
    """Everything that a seed adds to a comparison of two runs on one fold, by the runs' seeds."""
    made = {run.seed: (run, opened.store.predictions(run.key)) for run in opened.plan.runs}
    data = load_dataset(opened.plan.study.dataset)
    one_vote = draw_one(data.votes, stream("one vote"))

    def block(pair):
        order = [np.argsort(made[seed][1]["test_rows"]) for seed in pair]
        run, first = made[pair[0]]
        fold = fold_with_references(run, first["test_rows"][order[0]], first["test_client"], "cpu")
        test = [made[seed][1]["test"][o] for seed, o in zip(pair, order, strict=True)]
        size = min(len(made[seed][1]["validation"]) for seed in pair)
        rows = [made[seed][1]["validation_rows"][:size] for seed in pair]
        truth, votes = (
            torch.stack([onehot(torch.from_numpy(classes[part]), 10) for part in rows])
            for classes in (data.labels, one_vote)
        )
        validation = [made[seed][1]["validation"][:size] for seed in pair]
        found = seed_values(
            torch.from_numpy(np.stack(test)).double(),
            torch.from_numpy(np.stack(validation)).double(),
            truth,
            fold.references,
            votes,
        )
        return fold, {key: values.numpy() for key, values in found.items()}

    return block


@pytest.fixture(scope="module")
def arms(blocks):
    """A study of two arms in ten seeds: two pairs of runs on each fold, and chance says which is which."""

    def draw(number, cell):
        rng = stream("exchange", number=number, cell=cell)
        pairs = [fold + FOLDS * rng.permutation(RUNS)[:4].reshape(2, 2) for fold in range(FOLDS)]
        folds, found = zip(*map(blocks, np.concatenate(pairs).tolist()), strict=True)
        return Values(
            ["one", "other"],
            {key: np.concatenate([part[key] for part in found], axis=1) for key in found[0]},
            *[np.concatenate([fold.rows for fold in folds])] * 2,
            np.repeat(np.arange(len(folds)), [len(fold.rows) for fold in folds]),
            {name: np.concatenate([fold.strata[name].numpy() for fold in folds]) for name in folds[0].strata},
        )

    return draw


def test_names_alone_make_no_difference(opened, arms, effects, repetitions, most_misses, show):
    """Verdicts over three cells, Holm-adjusted, and the headline contrast, in every view."""
    numbers, claimed = repetitions(10), Counter()
    cells = [replace(opened.plan.cells[0], axes={"cell": n}) for n in range(3)]
    for number in numbers:
        made = [arms(number, cell) for cell in range(len(cells))]
        for metric, view, stratum in product(("brier", "signed_gap"), VIEWS, ("all", "hardest_fifth")):
            endpoint = Endpoint(
                source="one",
                baseline="other",
                metric=metric,
                view=view,
                stratum=stratum,
                margin=1e-12,  # no margin, so that every interval that excludes zero is a claim
            )
            compared = [
                compare(values, endpoint, cell.axes, None) for cell, values in zip(cells, made, strict=True)
            ]
            verdicts = {c.verdict for c in conclude(compared, endpoint)}
            claimed[metric, view, stratum, "verdict"] += bool(verdicts & {"better", "worse"})
        for row in effects(made[0], "other", ("signed_gap",), ("label", "vote")):
            if row.stratum == CONTRAST:
                claimed[row.view, row.reference, CONTRAST] += row.p < 0.05
    show("null, verdicts", Counter({k: n for k, n in claimed.items() if k[-1] == "verdict"}), len(numbers))
    show("null, contrast", Counter({k: n for k, n in claimed.items() if k[-1] == CONTRAST}), len(numbers))
    assert len(claimed) == 2 * len(VIEWS) * 2 + len(VIEWS) * 2
    assert not {key: count for key, count in claimed.items() if count > most_misses(len(numbers))}


def test_a_real_difference_is_claimed(opened, arms):
    """The same arms, one of them with all its Brier scores .05 worse, so that the null is not empty."""
    values, endpoint = arms(0, 0), Endpoint(source="one", baseline="other", view="raw")
    key = ("raw", "label", "brier")
    worse = replace(values, values={key: values.values[key] + np.array([[0.05], [0.0]])})
    assert conclude([compare(worse, endpoint, {}, None)], endpoint)[0].verdict == "worse"


def test_arms_that_differ_by_the_margin_are_seldom_as_good(opened, arms, repetitions, most_misses, show):
    """Three cells, in each of which one arm is worse by just the margin: none may be called as good."""
    numbers, claimed, margin = repetitions(10), Counter(), 0.05
    endpoint = Endpoint(source="one", baseline="other", view="raw", margin=margin)
    key = ("raw", "label", "brier")
    for number in numbers:
        cells = []
        for cell in range(3):
            values = arms(number, cell)
            worse = replace(values, values={key: values.values[key] + np.array([[margin], [0.0]])})
            cells.append(compare(worse, endpoint, {"cell": cell}, None))
        claimed["as good", "raw"] += "as good" in {found.verdict for found in conclude(cells, endpoint)}
    show("as good, though worse by the margin", claimed, len(numbers))
    assert claimed["as good", "raw"] <= most_misses(len(numbers))


def test_equal_arms_can_be_as_good(opened, arms):
    """With a margin that the study can resolve, so that the control above is not empty."""
    endpoint = Endpoint(source="one", baseline="other", view="raw", margin=0.05)
    assert conclude([compare(arms(0, 0), endpoint, {}, None)], endpoint)[0].verdict == "as good"
