import numpy as np
import pytest
import torch

from fedsoft.analysis.agreement import (
    agreement_bounds,
    equal_votes_score,
    mode_shift_rates,
    split_half_bound,
)
from fedsoft.analysis.values import gather, stack
from fedsoft.annotators.likely import likely_distributions
from fedsoft.evaluation import METRICS, agreement_ceiling, class_means, mean_vote, soft_labels
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study


@pytest.fixture(scope="module")
def cell(finished):
    return finished.plan.cells[0]


@pytest.fixture(scope="module")
def values(finished, cell):
    return gather(cell, "fedavg", finished.store, "cpu")


@pytest.fixture(scope="module")
def probs(finished, cell, values):
    return torch.cat(
        [
            stack(
                [
                    finished.store.predictions(run.key)
                    for run in cell.runs
                    if (run.seed, run.strategy.label()) == (seed, "fedavg")
                ],
                "test",
                "cpu",
            )
            for seed in (0, 6)
        ],
        dim=1,
    )


def test_the_floor_knows_the_predicted_class_and_no_test_image(finished, cell, values, probs):
    data = load_dataset(cell.study.dataset)
    bounds = agreement_bounds(cell, values, probs)
    expected = []
    for seed in (0, 6):
        tested = values.image[values.seed == seed]
        train = np.setdiff1d(np.arange(len(data)), tested)
        means = class_means(torch.from_numpy(data.votes[train]), torch.from_numpy(data.labels[train]))
        people = soft_labels(torch.from_numpy(data.votes[tested]))
        guess = probs[:, values.seed == seed].argmax(-1)
        constant = mean_vote(torch.from_numpy(data.votes[train])).expand(len(people), -1)
        blind = [*(means[one] for one in guess), constant]
        expected.append([float(METRICS.parse("kl")(one, people)) for one in blind])
    sizes = [(values.seed == seed).sum() for seed in (0, 6)]
    assert bounds["kl"][0] == pytest.approx(np.average(expected, weights=sizes, axis=0).min())
    for name in ("kl", "total_variation"):
        floor, ceiling = bounds[name]
        assert 0 < ceiling < floor, name
    floor, ceiling = bounds["entropy_correlation"]
    assert floor < ceiling
    assert 0 < split_half_bound(cell, values) < 1


def test_people_themselves_have_no_entropy_error_at_equal_votes(cell, values):
    """A model that predicts the vote shares is as sure as votes drawn from these are, and a bit less."""
    votes = torch.from_numpy(load_dataset(cell.study.dataset).votes[values.image])
    score = equal_votes_score(cell, values, torch.stack([soft_labels(votes), torch.full(votes.shape, 0.1)]))
    assert (score.stratum, score.reference) == ("all", "vote")
    assert -0.05 < float(score.value[0]) <= 0
    assert float(score.value[1]) > 1


def test_mode_shifts_of_each_crowd(tiny, tmp_path):
    tiny |= {"sources": ["hard", {"name": "votes_k", "k": 2}], "scenario": {"clients": 4, "votes": 6}}
    study = open_study(tiny, "tiny.toml", tmp_path)
    found = mode_shift_rates(study.plan.cells[0])
    assert list(found) == ["all votes", "votes collected", "votes_k(k=2)"]
    assert [round(rates.votes) for rates in found.values()][1:] == [6, 2]
    rates = [rates.observed for rates in found.values()]
    assert rates == sorted(rates)
    assert found["votes_k(k=2)"].added > found["all votes"].added


def test_single_votes_give_no_ceiling():
    assert likely_distributions(np.eye(3, dtype=np.int64), np.array([0, 0, 1])) is None


def test_without_votes_there_is_nothing_to_agree_with(tiny, tmp_path):
    labels = np.arange(60) % 3
    features = np.stack([labels, labels**2], axis=1).astype(np.float32)
    np.savez(tmp_path / "mine.npz", features=features, labels=labels)
    tiny |= {"dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")}, "sources": ["hard"]}
    tiny["scenario"] = {"clients": 2}
    study = open_study(tiny, "tiny.toml", tmp_path / "out")
    assert mode_shift_rates(study.plan.cells[0]) == {}


def test_the_ceiling_under_majority_labels_is_what_the_truth_scores():
    """Priors within the majority put it so far off that the truth itself beats it."""
    rng = stream("majority crowd")
    truth = rng.dirichlet([0.3, 0.5, 0.7], 3_000)
    votes = rng.multinomial(4, truth)
    labels = (votes + 0.1 * rng.random(votes.shape)).argmax(axis=1)
    people = soft_labels(torch.from_numpy(votes))
    real = {
        name: float(METRICS.parse(name)(torch.from_numpy(truth), people))
        for name in ("kl", "total_variation")
    }
    found = {}
    for majority in (True, False):
        drawn = likely_distributions(votes, labels, majority)
        found[majority] = agreement_ceiling(
            torch.from_numpy(drawn[0]), torch.from_numpy(votes).sum(dim=-1), stream("ceilings")
        )
    for name, value in real.items():
        assert found[True][name] == pytest.approx(value, rel=0.03)
        assert found[False][name] > 1.1 * value


def test_majority_labels_have_no_mode_shifts(tiny, tmp_path):
    votes = stream("votes").multinomial(5, [0.5, 0.3, 0.2], 90)
    np.savez(tmp_path / "mine.npz", features=np.eye(3)[votes.argmax(1)], labels=votes.argmax(1), votes=votes)
    tiny |= {"dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")}, "sources": ["hard"]}
    tiny["scenario"] = {"clients": 2}
    study = open_study(tiny, "tiny.toml", tmp_path / "out")
    assert mode_shift_rates(study.plan.cells[0]) == {}
    tiny["dataset"]["labels_are"] = "independent"
    study = open_study(tiny, "tiny.toml", tmp_path / "again")
    assert mode_shift_rates(study.plan.cells[0])
