"""Small made-up studies, each with one thing that a verdict must not get wrong."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedsoft.analysis.comparison import compare, find_obstacle
from fedsoft.analysis.conclusions import conclude
from fedsoft.analysis.digest import digest
from fedsoft.analysis.learning import Rest
from fedsoft.analysis.values import gather
from fedsoft.errors import StudyFileError
from fedsoft.report.answer import answers
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.report.words import headline
from fedsoft.streams import stream
from fedsoft.study.opened import open_study

CLASSES = 4


def people(
    number: int, signal: float = 2.0, per: int = 8, ambiguous: float = 0.3, count: int = 400
) -> dict[str, Any]:
    """Gaussian classes; some examples lie between two classes and split the people."""
    rng = stream("case", number=number)
    labels = np.arange(count) % CLASSES
    other = (labels + rng.integers(1, CLASSES, count)) % CLASSES
    mix = np.where(rng.random(count) < ambiguous, rng.uniform(0.2, 0.5, count), 0.02)[:, None]
    centre = np.eye(CLASSES) * signal
    features = (1 - mix) * centre[labels] + mix * centre[other] + rng.normal(0, 0.7, (count, CLASSES))
    shares = (1 - mix) * np.eye(CLASSES)[labels] + mix * np.eye(CLASSES)[other]
    return {"features": features.astype(np.float32), "labels": labels, "votes": rng.multinomial(per, shares)}


@pytest.fixture
def study(tmp_path, run):
    """Runs a study on arrays, and digests it."""

    def made(arrays: dict[str, Any], out: str = "out", **changes: Any) -> Any:
        path = tmp_path / "mine.npz"
        if not path.exists():
            np.savez(path, **arrays)
        table = {
            "name": "case",
            "dataset": {"name": "npz", "path": str(path)},
            "sources": ["hard", "human_soft"],
            "strategies": ["fedavg"],
            "model": "linear",
            "rounds": 12,
            "seeds": [0, 1, 2, 3, 4],
            "scenario": {"clients": 3},
            "training": {"lr": 1.0, "batch_size": 16},
            "endpoint": {"source": "human_soft", "baseline": "hard"},
        }
        return digest(run(open_study(table | changes, "case.toml", tmp_path / out)))

    return made


def verdicts(result: Any) -> list[dict[str, str]]:
    with (Path(result.opened.store.root) / "verdicts.csv").open() as file:
        return list(csv.DictReader(file))


def test_models_that_learned_nothing_have_no_verdict(study):
    for reference in ("label", "vote"):
        result = study(
            people(1, signal=0.0),
            out=reference,
            endpoint={"source": "human_soft", "baseline": "hard", "reference": reference, "margin": 1.0},
        )
        assert headline(result).startswith("No verdict: these models have not learned: a constant forecast")
        assert "a constant forecast does as well" in page(result)
        (constant,) = {
            f"{row.constant:.3f}"
            for row in result.cells[0].learned
            if (row.reference, row.metric) == (reference, "brier")
        }
        against = {"label": "the label", "vote": "a vote"}[reference]
        assert (
            f"(Brier score against {against}, at equal mean confidence, the baseline's: {constant} for a "
            in (headline(result))
        )
        (row,) = verdicts(result)
        assert row["verdict"] == "no verdict"
        assert "not learned" in row["reason"]
    asked = [answer.question for answer in answers(Shown(result, result.cells[0]))]
    assert asked == ["Is the model any good?", "What cannot be said?"]
    with (result.opened.store.root / "effects.csv").open() as file:
        assert {row["learned"] for row in csv.DictReader(file) if row["metric"] == "brier"} == {"False"}


def test_models_that_learned_have_one(study):
    result = study(people(1))
    assert result.conclusions[0].obstacle is None
    assert all(row.beats_constant for row in result.cells[0].learned if row.view == "raw")


def test_training_that_still_moves_has_no_verdict(study):
    result = study(people(1), rounds=5, training={"lr": 0.1, "batch_size": 16})
    assert result.conclusions[0].obstacle.kind == "not at rest"
    assert "raise rounds" in headline(result)


@pytest.mark.parametrize(("rounds", "words"), [(1, "in the last round"), (4, "in the last 4 rounds")])
def test_rounds_are_counted_in_words(study, rounds, words):
    result = study(people(1), rounds=5, training={"lr": 0.1, "batch_size": 16})
    cell = result.cells[0]
    obstacle = find_obstacle(cell.study, cell.doses, cell.learned, [Rest("hard", 0.1, 0.05, rounds)])
    assert obstacle.why.endswith(words)


@pytest.mark.parametrize(
    ("estimates", "words"),
    [
        ((-0.003, -0.001), "not shown to have learned: that"),
        ((-0.003, 0.001), "have not learned: a constant"),
    ],
)
def test_what_may_be_chance_is_not_said_to_be_so(study, estimates, words):
    result = study(people(1))
    cell = result.cells[0]
    change = dict(zip(("hard", "human_soft"), estimates, strict=True))
    rows = [replace(row, estimate=change[row.source], high=0.01) for row in cell.learned]
    assert words in find_obstacle(cell.study, cell.doses, rows, []).why


def test_the_same_targets_compare_nothing(study):
    arrays = people(2, ambiguous=0.0)
    arrays["votes"] = 5 * np.eye(CLASSES, dtype=int)[arrays["labels"]]
    result = study(arrays)
    assert headline(result).startswith("Nothing was compared: human_soft and hard train on the same targets")
    assert verdicts(result)[0]["verdict"] == "nothing was compared"


def test_arms_that_train_otherwise_are_compared_on_the_same_targets(study):
    arrays = people(2)
    rival = {"source": "hard", "training": {"weight_decay": 0.1}}
    endpoint = {"source": "hard + weight_decay=0.1", "baseline": "hard"}
    result = study(arrays, sources=["hard"], rivals=[rival], endpoint=endpoint)
    assert result.conclusions[0].obstacle is None
    cell = result.cells[0]  # whose label has a plus and an equals sign in it
    assert all(cell.has_learned(row) for row in cell.estimates if row.formula and row.metric == "brier")


@pytest.mark.parametrize("view", ["raw", "equal_confidence", "calibrated_confidence", "own_temperature"])
def test_added_arms_do_not_move_the_endpoint(study, view):
    """The same number, bit for bit, whatever else is in the file."""
    endpoint = {"source": "human_soft", "baseline": "hard", "view": view, "reference": "vote"}
    alone = study(people(3), out="alone", endpoint=endpoint, sources=["hard", "human_soft"])
    more = ["hard", "smoothing", "human_soft", "shuffled_mode_matched", {"name": "votes_k", "k": 1}]
    rivals = [{"source": "hard", "calibration": "temperature"}]
    among = study(people(3), out="among", endpoint=endpoint, sources=more, rivals=rivals)
    first, second = alone.conclusions[0], among.conclusions[0]
    assert (first.estimate, first.low, first.high) == (second.estimate, second.low, second.high)
    assert first.verdict == second.verdict


def test_the_cheapest_arm_that_is_as_good_is_named(study):
    """Fifty votes an example, of which a few buy nearly everything."""
    result = study(
        people(5, per=50, count=800),
        sources=["hard", {"name": "votes_k", "k": 5}, "human_soft"],
        seeds=list(range(10)),
    )
    cell = result.cells[0]
    (plan,) = (one for one in cell.purchases if one.goal == "people")
    assert plan.learned
    assert plan.cheapest.source == "votes_k(k=5)"
    assert plan.cheapest.price.votes < 0.2 * max(offer.price.votes for offer in plan.offers)
    assert "votes_k(k=5)" in page(result)
    compared = {frozenset((row.source, row.other)) for row in cell.pairs}
    assert len(compared) == 3  # any two arms


def test_references_that_disagree_in_sign_are_told(study):
    """People's majority is the next class on a third of the examples: bad for the label, good for a vote."""
    arrays = people(6, ambiguous=0.0)
    moved = stream("moved").random(len(arrays["labels"])) < 0.35
    target = np.where(moved, (arrays["labels"] + 1) % CLASSES, arrays["labels"])
    arrays["votes"] = 9 * np.eye(CLASSES, dtype=int)[target] + 1
    result = study(arrays, endpoint={"source": "human_soft", "baseline": "hard", "view": "raw"})
    (found,) = result.conclusions
    assert set(found.disagree) == {"vote"}
    assert found.estimate > 0 > found.disagree["vote"][2]
    assert "References disagree in sign" in headline(result)


def test_cells_without_results_make_others_no_surer(study):
    """Adjusted for the cells that were planned."""
    result = study(people(3), endpoint={"source": "human_soft", "baseline": "hard", "view": "raw"})
    endpoint, cell = result.opened.plan.study.endpoint, result.opened.plan.cells[0]
    values = gather(cell, "fedavg", result.opened.store, "cpu")
    compared = [compare(values, endpoint, {}, None)]
    alone, (among,) = conclude(compared, endpoint)[0], conclude(compared, endpoint, planned=5)
    assert (alone.low, alone.high) == (result.conclusions[0].low, result.conclusions[0].high)
    assert among.high - among.low > 1.3 * (alone.high - alone.low)
    assert among.smallest > 1.3 * alone.smallest


def test_a_pair_is_two_arms(study):
    with pytest.raises(StudyFileError, match="compares 'hard' with itself"):
        study(people(3), endpoint={"source": "hard", "baseline": "hard"})


def test_one_seed_is_no_verdict(study):
    result = study(people(3), seeds=[0])
    assert "one seed says nothing of other runs" in headline(result)
    assert result.conclusions[0].verdict == "undecided at this size"


def test_no_model_can_beat_a_perfect_one(study):
    result = study(people(3))
    cell = result.cells[0]
    floor, _ = cell.bounds["kl"]
    wrong = replace(cell, bounds=cell.bounds | {"kl": (floor, 10.0)})
    assert "The ceiling of KL (10.000) is wrong" in page(replace(result, cells=[wrong]))
    assert "is wrong" not in page(result)
