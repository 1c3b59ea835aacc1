"""Known people's answers, from a study's data to what its intervals take."""

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.analysis.estimates import estimate
from fedsoft.analysis.judging import judges_of
from fedsoft.analysis.learning import learned
from fedsoft.analysis.values import gather
from fedsoft.execution.conduct import run_study
from fedsoft.report.words import data_line
from fedsoft.streams import stream
from fedsoft.study.opened import open_study

N, PEOPLE, CLASSES = 60, 14, 3
LABELS = np.arange(N) % CLASSES


def arrays(answers):
    """Items in three clusters, answered by so many of fourteen people who are right two times in three."""
    rng = stream("judged data")
    who = np.array([rng.choice(PEOPLE, answers, replace=False) for _ in range(N)])
    wrong = rng.random(who.shape) < 1 / 3
    return {
        "features": np.eye(CLASSES)[LABELS] + 0.3 * rng.normal(size=(N, CLASSES)),
        "labels": LABELS,
        "annotator_labels": np.where(wrong, rng.integers(CLASSES, size=who.shape), LABELS[:, np.newaxis]),
        "annotator_ids": np.array([f"w{p}" for p in range(PEOPLE)])[who],
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a study on such data."""

    def made(known, partition="iid"):
        folder = tmp_path_factory.mktemp("judged")
        np.savez(folder / "mine.npz", **known)
        table = {
            "name": "judged",
            "dataset": {"name": "npz", "path": str(folder / "mine.npz")},
            "sources": ["hard", "human_soft"],
            "strategies": ["fedavg"],
            "model": "linear",
            "rounds": 2,
            "seeds": [0, 1, 2],
            "scenario": {"clients": 3, "partition": partition},
        }
        opened = open_study(table, "judged.toml", folder / "runs")
        run_study(opened, "inprocess", 1, lambda *_: None, lambda: False)
        return opened

    return made


@pytest.fixture(scope="module")
def many(run):
    """A study with twelve answers an item, half of which judge within strata."""
    return run(arrays(12))


def gathered(opened):
    return gather(opened.plan.cells[0], "fedavg", opened.store, "cpu")


def test_answers_make_up_every_value_against_a_vote(many):
    values = gathered(many)
    by_vote = {key for key in values.values if key[1].startswith("vote")}
    assert {reference for _, reference, _ in by_vote} == {"vote", "vote, other half"}
    assert values.answered.keys() == by_vote
    assert values.judges.keys() == {"vote", "vote, other half"}
    for key in by_vote:
        judges = values.judges[key[1]]
        sums = [np.bincount(judges.cell, judges.share * row) for row in values.answered[key]]
        np.testing.assert_allclose(sums, values.values[key], atol=1e-9, err_msg=str(key))
    for key, constant in values.answered_constant.items():
        judges = values.judges[key[0]]
        np.testing.assert_allclose(
            np.bincount(judges.cell, judges.share * constant), values.constant[key], atol=1e-9
        )
    assert np.bincount(values.judges["vote"].pair).sum() == 12 * len(values.image)
    assert np.bincount(values.judges["vote, other half"].pair).sum() == 6 * len(values.image)


def test_people_change_no_estimate_and_widen_intervals_against_a_vote_alone(many):
    values = gathered(many)
    with_people = estimate(values, "fedavg", ["hard"])
    values.judges.clear()
    values.answered.clear()
    for one, other in zip(with_people, estimate(values, "fedavg", ["hard"]), strict=True):
        assert one.estimate == pytest.approx(other.estimate, nan_ok=True)
        if one.reference != "vote":
            assert (one.low, one.high) == pytest.approx((other.low, other.high), nan_ok=True)
        elif not np.isnan(one.low):
            assert one.low <= other.low + 1e-12
            assert one.high >= other.high - 1e-12
    assert {row.reference for row in with_people} == {"label", "mode", "vote"}


def test_the_constant_forecast_is_judged_by_the_same_people(many):
    """What is common to a model and the constant, such as a harsh judge, is no difference between them."""
    values = gathered(many)
    wide = {(r.source, r.view): r.high - r.low for r in learned(values, "fedavg") if r.reference == "vote"}
    values.answered_constant.clear()
    apart = {(r.source, r.view): r.high - r.low for r in learned(values, "fedavg") if r.reference == "vote"}
    assert wide != apart


def without_names(known):
    said = known.pop("annotator_labels")
    del known["annotator_ids"]
    return known | {"votes": np.stack([(said == one).sum(axis=1) for one in range(CLASSES)], axis=1)}


def by_one(known):
    return known | {"annotator_ids": np.full((N, 1), "w0")}


@pytest.mark.parametrize(
    ("answers", "change", "why"),
    [(12, without_names, "it is not known who gave which vote"), (1, by_one, "one alone gave all votes")],
)
def test_where_no_people_are_known_none_judge(answers, change, why, run):
    opened = run(change(arrays(answers)))
    assert judges_of(opened.plan.study.dataset, np.arange(N), {"vote"}) == {}
    values = gathered(opened)
    assert not values.judges
    assert not values.answered
    assert f"people are not resampled, since {why}." in data_line(digest(opened))


def test_seeds_of_a_set_are_one_repetition(run):
    partition = {"name": "by_annotator", "people": 1, "sets": 2}
    opened = run(arrays(4), partition)
    values = gathered(opened)
    np.testing.assert_array_equal(values.sets, values.seed % 2)
    assert values.crossing().effects(values.values["raw", "label", "brier"].T).seeds == 2
    told = data_line(digest(opened))
    assert "Intervals are over items and sets of people; those against a vote also over the 14" in told
    assert "of 2 sets of people, one a seed" in told
    shared = run(arrays(4), {"name": "by_annotator", "people": 1})
    assert gathered(shared).sets is None
    assert "Clients are the same people in all seeds" in data_line(digest(shared))
