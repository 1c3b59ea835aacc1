"""Studies on data as people have them: gaps, soft answers, people as clients, results without their data."""

import html
import shutil

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.annotators.mixture import fit_mixture
from fedsoft.errors import StoreError, StudyFileError
from fedsoft.execution.conduct import run_study
from fedsoft.files import read_npz, write_npz
from fedsoft.report import write_report
from fedsoft.streams import stream
from fedsoft.study.opened import open_study, reopen_study
from fedsoft.study.prepare import prepare

N, PEOPLE, CLASSES = 120, 8, 3
LABELS = np.arange(N) % CLASSES


def arrays():
    """Items in three clusters, each answered by four of eight people who are right three times in four."""
    rng = stream("own data")
    who = np.array([rng.choice(PEOPLE, 4, replace=False) for _ in range(N)])
    wrong = rng.random(who.shape) < 0.25
    said = np.where(wrong, rng.integers(CLASSES, size=who.shape), LABELS[:, np.newaxis])
    return {
        "features": np.eye(CLASSES)[LABELS] + 0.3 * rng.normal(size=(N, CLASSES)),
        "labels": LABELS,
        "annotator_labels": said,
        "annotator_ids": np.array([f"w{p}" for p in range(PEOPLE)])[who],
        "item_ids": np.array([f"item {i}" for i in range(N)]),
    }


@pytest.fixture
def study(tmp_path):
    """Builds a study on these arrays, with some changed."""

    def build(sources=("hard", "human_soft"), scenario=None, changes=None, **keys):
        known = {name: array for name, array in {**arrays(), **(changes or {})}.items() if array is not None}
        np.savez(tmp_path / "mine.npz", **known)
        table = {
            "name": "own",
            "dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")},
            "sources": list(sources),
            "strategies": ["fedavg"],
            "model": "linear",
            "rounds": 2,
            "seeds": [0, 1],
            "scenario": {"clients": 3, **(scenario or {})},
            **keys,
        }
        return open_study(table, "own.toml", tmp_path / "runs")

    return build


def ready(opened, source):
    run = next(run for run in opened.plan.runs if run.source.label() == source)
    return prepare(run, opened.store, "cpu")


PEOPLE_AS_CLIENTS = {"clients": PEOPLE, "partition": {"name": "by_annotator", "people": 1}}


def test_each_person_trains_on_their_own_answers(study):
    opened = study(scenario=PEOPLE_AS_CLIENTS)
    made = ready(opened, "human_soft")
    who, said = arrays()["annotator_ids"], arrays()["annotator_labels"]
    train = made.task.train
    for client in range(PEOPLE):
        rows = train.of(client)
        own = np.array([said[row][who[row] == f"w{client}"] for row in rows])[:, 0]
        np.testing.assert_array_equal(made.targets[train.span(client)], np.eye(CLASSES)[own])
    assert made.votes_bought == len(train.rows)


def test_seeds_of_different_sets_train_on_different_people(study):
    partition = {"name": "by_annotator", "people": 1, "sets": 2}
    opened = study(["hard"], {"clients": 4, "partition": partition}, seeds=[0, 1, 2])
    first, second, third = (prepare(run, opened.store, "cpu").deal.team >= 0 for run in opened.plan.runs)
    np.testing.assert_array_equal(first, ~second)
    np.testing.assert_array_equal(first, third)


def test_aggregation_over_people_as_clients_is_of_items(study):
    made = ready(study(["dawid_skene"], PEOPLE_AS_CLIENTS), "dawid_skene")
    _, first, place = np.unique(made.task.train.rows, return_index=True, return_inverse=True)
    np.testing.assert_array_equal(made.targets, made.targets[first][place])
    assert (made.targets.argmax(axis=1) == LABELS[made.task.train.rows]).mean() > 0.9


def test_aggregation_knows_who_answered_in_parties_with_their_own_votes_and_noise(study):
    parties = [{"share": 0.34, "votes": 2, "noise": {"name": "slips", "rate": 0.1}}]
    opened = study(["dawid_skene", "human_soft"], {"parties": parties})
    made, plain = ready(opened, "dawid_skene"), ready(opened, "human_soft")
    assert made.votes_bought == plain.votes_bought < 4 * len(plain.task.train.rows)
    agrees = made.targets.argmax(axis=1) == LABELS[made.task.train.rows]
    assert agrees.mean() > 0.8


def test_a_person_may_be_a_party(study):
    parties = [{"annotators": ["w3"], "source": "hard"}]
    made = ready(study(scenario={**PEOPLE_AS_CLIENTS, "parties": parties}), "human_soft")
    rows = made.task.train.of(3)
    np.testing.assert_array_equal(made.targets[made.task.train.span(3)], np.eye(CLASSES)[LABELS[rows]])


def few(where):
    said = arrays()["annotator_labels"]
    said[where, 1:] = -1
    return {"annotator_labels": said}


FEW = [5, 6, 7]


@pytest.mark.parametrize(
    ("keys", "who"),
    [
        ({"sources": ["hard", {"name": "votes_k", "k": 2}]}, r"label source 'votes_k\(k=2\)'"),
        ({"scenario": {"votes": 2}}, "the scenario"),
        ({"scenario": {"parties": [{"share": 1.0, "votes": 2}]}}, "party 0"),
    ],
)
def test_too_few_votes_name_item_and_party_and_can_be_taken_as_they_are(keys, who, study):
    with pytest.raises(StudyFileError, match=rf"{who} wants 2 votes .*'item \d+', with 1.*few_votes = .take"):
        study(changes=few(FEW), **keys)
    scenario = {**keys.get("scenario", {}), "few_votes": "take"}
    opened = study(changes=few(FEW), **{**keys, "scenario": scenario})
    made = ready(opened, opened.plan.runs[-1].source.label())
    assert made.votes_bought == 2 * len(made.task.train.rows) - np.isin(FEW, made.task.train.rows).sum()


def test_every_seed_is_checked_before_anything_runs(study, tmp_path):
    tested = [ready(study(seeds=[seed]), "hard").deal.test.rows for seed in (0, 1)]
    only_first = next(row for row in tested[0] if row not in tested[1])  # so that seed 0 does not train on it
    with pytest.raises(StudyFileError, match="seed 1: the scenario wants 2 votes"):
        study(changes=few([only_first]), scenario={"votes": 2}, seeds=[0, 1])
    assert not (tmp_path / "runs").exists()


def test_soft_answers_train_and_cannot_be_drawn(study):
    votes = np.full((N, CLASSES), 0.1)
    votes[np.arange(N), LABELS] = 0.8
    soft = {"annotator_labels": None, "annotator_ids": None, "votes": votes}
    made = ready(study(changes=soft), "human_soft")
    np.testing.assert_allclose(made.targets, votes[made.task.train.rows])
    assert made.votes_bought == len(made.task.train.rows)
    for keys in ({"sources": [{"name": "votes_k", "k": 1}]}, {"scenario": {"votes": 1}}):
        with pytest.raises(StudyFileError, match="shares \\(soft answers\\)"):
            study(changes=soft, **keys)
    with pytest.raises(StudyFileError, match=r"dawid_skene.*who answered what"):
        study(["dawid_skene"], changes=soft)


def test_priors_do_not_condition_on_labels_that_stand_in_for_majorities(study):
    made = ready(study(["human_soft_shrunk"], changes=GAPS["labels for some"]), "human_soft_shrunk")
    votes = made.dataset.votes[made.task.train.rows]
    np.testing.assert_allclose(made.targets, fit_mixture(votes).posterior_mean(votes))


GAPS = {
    "soft answers": {"annotator_labels": None, "annotator_ids": None, "votes": np.full((N, CLASSES), 1 / 3)},
    "votes for some": {
        "annotator_labels": np.where(np.arange(N)[:, None] < 60, arrays()["annotator_labels"], -1)
    },
    "labels for some": {"labels": np.where(np.arange(N) < 60, LABELS, -1)},
    "a test without votes": {
        "annotator_labels": np.where(np.arange(N)[:, None] < 90, arrays()["annotator_labels"], -1),
        "held_out": np.arange(N) >= 90,
    },
    "a class nobody is": {"class_names": np.array(["cat", "dog", "bird", "truck"])},
}


@pytest.mark.parametrize("gap", GAPS)
def test_studies_on_data_with_gaps_end_in_a_report_that_tells_them(gap, study):
    rival = {"source": "hard", "calibration": {"name": "temperature", "on": "vote"}}
    sources = ["hard", "human_soft", "human_hard", "smoothing", "mass_only", "stochastic"]
    opened = study(sources, changes=GAPS[gap], rivals=[rival])
    assert run_study(opened, "inprocess", 1, lambda *_: None, lambda: False)
    assert not opened.failures
    write_report(opened.store.root)
    page = html.unescape((opened.store.root / "report.html").read_text())
    for note in ready(opened, "hard").dataset.notes:
        assert note in page


def test_a_constant_forecast_of_votes_is_made_of_the_items_that_have_some(study):
    opened = study(changes=GAPS["votes for some"])
    run_study(opened, "inprocess", 1, lambda *_: None, lambda: False)
    constants = digest(reopen_study(opened.store.root)).cells[0].constants
    assert {reference for reference, _ in constants} >= {"label", "mode", "vote"}
    assert np.isfinite(list(constants.values())).all()


def test_results_can_be_reported_on_where_the_data_are_not(study, tmp_path, capsys):
    opened = study()
    run_study(opened, "inprocess", 1, lambda *_: None, lambda: False)
    write_report(opened.store.root)
    before = (opened.store.root / "results.csv").read_text()
    shutil.move(opened.store.root, tmp_path / "elsewhere")
    (tmp_path / "mine.npz").unlink()
    (tmp_path / "elsewhere/data/stray.json").write_text("{}")
    again = reopen_study(tmp_path / "elsewhere")
    assert "mine.npz does not exist" in again.kept[0]
    assert not again.open_runs
    write_report(tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/results.csv").read_text() == before
    assert "mine.npz does not exist" in " ".join(capsys.readouterr().out.split())
    (kept,) = (tmp_path / "elsewhere/data").glob("*.npz")
    made = read_npz(kept)
    write_npz(kept, {**made, "votes": made["votes"][:, ::-1]})
    with pytest.raises(StoreError, match="is not what the study kept of its data; delete both"):
        reopen_study(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=r"nowhere holds no study's results.*elsewhere"):
        reopen_study(tmp_path / "nowhere")
