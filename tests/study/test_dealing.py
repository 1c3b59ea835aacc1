"""Nobody is in training and in test at once, and an endpoint has something to look at."""

import numpy as np
import pytest

from fedsoft.annotators.mixture import fit_mixture
from fedsoft.errors import StudyFileError
from fedsoft.scenarios import PARTITIONS, Clients, difficulty_of
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data, fold_sentence, halves_of, strangers_sentence
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


@pytest.fixture
def hospitals(tiny, tmp_path):
    tiny |= {"dataset": "lidc", "sources": ["hard"], "strategies": ["fedavg"], "seeds": [0, 1, 2, 3, 4]}
    tiny["scenario"] = {"clients": 4, "partition": {"name": "dirichlet", "alpha": 0.5}}
    return open_study(tiny, "tiny.toml", tmp_path)


def test_no_patient_is_in_two_parts_and_every_nodule_is_tested_once(hospitals):
    tested = []
    for run in hospitals.plan.runs:
        data = load_dataset(run.dataset)
        dealt = deal_data(run, data)
        patients = [set(data.groups[part.rows]) for part in (dealt.train, dealt.validation, dealt.test)]
        assert sum(map(len, patients)) == len(set().union(*patients)) == 700
        tested.append(dealt.test.rows)
        assert strangers_sentence(dealt, data) is None
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(1380))
    assert "nobody's are in training and in test" in fold_sentence(data, 5)


def test_patients_as_clients_are_tested_on_strangers(hospitals):
    run = hospitals.plan.runs[0]
    natural = PARTITIONS.parse("natural")
    run = run.model_copy(update={"scenario": run.scenario.model_copy(update={"partition": natural})})
    data = load_dataset(run.dataset)
    dealt = deal_data(run, data)
    assert dealt.strangers == len(dealt.test.rows)
    assert "are of groups that no client holds" in strangers_sentence(dealt, data)


def test_referral_hospitals_get_the_hard_patients(hospitals):
    """Patients are dealt whole, by the mean entropy of their nodules' votes."""
    run = hospitals.plan.runs[0]
    referral = PARTITIONS.parse({"name": "by_difficulty", "referral": 1})
    run = run.model_copy(update={"scenario": run.scenario.model_copy(update={"partition": referral})})
    data = load_dataset(run.dataset)
    dealt = deal_data(run, data)
    parts = [set(data.groups[part.of(k)]) for k in range(4) for part in (dealt.train, dealt.validation)]
    assert sum(map(len, parts)) == len(set().union(*parts))
    difficulty = difficulty_of(data.votes)
    for part in (dealt.train, dealt.test):
        hard, *rest = [difficulty[part.of(k)].mean() for k in range(4)]
        assert hard > 1.5 * max(rest)


def test_a_partition_that_the_data_cannot_give_is_refused_before_anything_runs(tiny, tmp_path):
    labels = np.arange(60) % 2
    np.savez(tmp_path / "mine.npz", features=np.eye(2)[labels], labels=labels)
    tiny |= {"dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")}, "sources": ["hard"]}
    for partition, words in {
        "by_difficulty": "seed 0: partition 'by_difficulty' ranks .* and the data have no votes",
        "natural_dirichlet": "seed 0: partition 'natural_dirichlet' needs groups",
        "pathological(3)": r"seed 0: partition 'pathological\(classes=3\)' .* and there are 2; lower",
    }.items():
        name, _, classes = partition.partition("(")
        tiny["scenario"] = {"clients": 3, "partition": {"name": name} | ({"classes": 3} if classes else {})}
        with pytest.raises(StudyFileError, match=words):
            open_study(tiny, "tiny.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_person_is_in_one_half():
    people = stream("people").integers(0, 40, 300)
    train = Clients.deal(np.arange(300), people % 3, 3)
    half = halves_of(train, stream("halves"), people)
    sides = {person: set(half[people[train.rows] == person]) for person in set(people)}
    assert all(len(side) == 1 for side in sides.values())
    for client in range(3):
        mine = [sides[person] for person in sides if person % 3 == client]
        assert abs(mine.count({0}) - mine.count({1})) <= 1


@pytest.mark.parametrize(
    ("votes", "stratum", "filled"),
    [
        ([[2, 1], [1, 2]], "unanimous", "all or middle or hardest_fifth"),
        ([[3, 0], [0, 3]], "hardest_fifth", "all or unanimous"),
    ],
)
def test_an_endpoint_on_nothing_is_refused(tiny, tmp_path, votes, stratum, filled):
    labels = np.arange(60) % 2
    np.savez(tmp_path / "mine.npz", features=np.eye(2)[labels], labels=labels, votes=np.array(votes)[labels])
    tiny |= {"dataset": {"name": "npz", "path": str(tmp_path / "mine.npz")}, "scenario": {"clients": 2}}
    tiny |= {"sources": ["hard", "human_soft"], "endpoint": {"source": "human_soft", "stratum": stratum}}
    with pytest.raises(
        StudyFileError, match=rf"none of the tested items .* in '{stratum}'; choose {filled}\."
    ):
        open_study(tiny, "tiny.toml", tmp_path / "out")
    tiny["endpoint"]["stratum"] = "all"
    open_study(tiny, "tiny.toml", tmp_path / "out")


def test_sources_learn_that_labels_are_the_majority(tiny, tmp_path):
    tiny |= {"dataset": "lidc", "sources": ["human_soft_shrunk"], "scenario": {"clients": 2}}
    study = open_study(tiny, "tiny.toml", tmp_path)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    votes = ready.dataset.votes[ready.task.train.rows]
    np.testing.assert_allclose(ready.targets, fit_mixture(votes).posterior_mean(votes), atol=1e-12)
