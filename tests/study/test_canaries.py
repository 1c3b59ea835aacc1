"""Canaries: who they are, and what runs are told of them."""

import numpy as np
import pytest

from fedsoft.errors import DataError
from fedsoft.streams import stream
from fedsoft.study.canaries import ABSENT, Canaries, Planted, choose_canaries
from fedsoft.study.data import load_dataset
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare


def planted(rows, heads, tails, coin, single=False):
    of = np.arange(len(rows))
    return Planted(Canaries(rows, of, np.array(heads), np.array(tails), single), np.array(coin))


@pytest.fixture
def ready(tiny, tmp_path):
    """Prepares the first seed's run of a source, with canaries or without."""
    tiny |= {"strategies": ["fedavg"], "seeds": [0], "scenario": {"clients": 4}}

    def prepared(source, canaries=None, **more):
        study = open_study(tiny | {"sources": [source], **more}, "tiny.toml", tmp_path)
        return prepare(study.plan.runs[0], study.store, "cpu", canaries)

    return prepared


def held(run):
    """Three rows that the run trains on, one of each of three clients."""
    return np.sort(run.task.train.rows[run.task.train.offsets[:3]])


def target(run, row):
    return run.targets[run.task.train.rows == row][0]


@pytest.mark.parametrize("source", ["hard", "human_soft", {"name": "votes_k", "k": 2}])
def test_all_answers_of_a_canary_name_one_class_and_nobody_elses_change(ready, source):
    plain = ready(source)
    rows = held(plain)
    run = ready(source, planted(rows, [1, 2, 3], [4, 5, 6], [True, False, True]))
    for row, told in zip(rows, [1, 5, 3], strict=True):
        np.testing.assert_array_equal(target(run, row), np.eye(10)[told])
    others = ~np.isin(plain.task.train.rows, rows)
    if source != {"name": "votes_k", "k": 2}:  # whose draws go on where fewer are left
        np.testing.assert_array_equal(run.targets[others], plain.targets[others])
    np.testing.assert_array_equal(run.task.train.rows, plain.task.train.rows)
    assert run.settings.key == plain.settings.key


def test_who_is_one_vote_has_no_others(ready):
    """18 votes are bought of every image, one of a canary."""
    plain = ready("human_soft")
    rows = held(plain)
    run = ready("human_soft", planted(rows, [1, 2, 3], [4, 5, 6], [True] * 3, single=True))
    assert plain.votes_bought - run.votes_bought == 3 * 17
    np.testing.assert_array_equal(target(run, rows[0]), np.eye(10)[1])
    canaries = planted(rows, [1, 2, 3], [4, 5, 6], [True] * 3, single=True)
    few = ready({"name": "votes_k", "k": 2}, canaries)  # takes the one that there is
    np.testing.assert_array_equal(target(few, rows[0]), np.eye(10)[1])


@pytest.mark.parametrize("unit", ["vote", "image"])
def test_canaries_answers_are_private_as_all_are(ready, unit):
    """Where ε is tiny, nothing is left of what they told."""
    privacy = {"labels": {"name": "randomized_response", "epsilon": 1e-4, "unit": unit}}
    plain = ready("human_soft", privacy=privacy)
    rows = np.sort(plain.task.train.rows)[:400]
    heads, tails = np.full(400, 1), np.full(400, 2)
    run = ready("human_soft", planted(rows, heads, tails, np.arange(400) < 200), privacy=privacy)
    mass = np.array([target(run, row)[1] for row in rows])
    assert abs(mass[:200].mean() - mass[200:].mean()) < 0.15
    labels = {"labels": {"name": "randomized_response", "epsilon": 30.0, "unit": unit}}
    told = ready("human_soft", planted(rows, heads, tails, np.arange(400) < 200), privacy=labels)
    assert np.mean([target(told, row)[1] for row in rows[:200]]) > (0.99 if unit == "vote" else 0.5)


def test_the_absent_take_no_part(ready):
    plain = ready("human_soft")
    rows = held(plain)
    run = ready("human_soft", planted(rows, [-1, 7, 7], [ABSENT] * 3, [True, True, False]))
    assert set(plain.task.train.rows) - set(run.task.train.rows) == {rows[2]}
    np.testing.assert_array_equal(target(run, rows[0]), target(plain, rows[0]))
    np.testing.assert_array_equal(target(run, rows[1]), np.eye(10)[7])


def test_images_are_chosen_with_two_wrong_classes(ready):
    run = ready("hard")
    data, train = load_dataset(run.settings.dataset), run.task.train
    chosen = choose_canaries(data, train, 60, stream("test"), "vote")
    assert len(chosen) == len(np.unique(chosen.row)) == 60
    assert chosen.single
    assert np.isin(chosen.row, train.rows).all()
    labels = data.labels[chosen.row]
    assert ((chosen.heads != chosen.tails) & (chosen.heads != labels) & (chosen.tails != labels)).all()
    np.testing.assert_array_equal(chosen.mean(np.arange(60.0)), np.arange(60.0))


def test_a_client_is_a_canary_with_all_that_it_holds(ready):
    run = ready("hard")
    train = run.task.train
    chosen = choose_canaries(
        load_dataset(run.settings.dataset), train, 2, stream("test"), "client", "flipped"
    )
    for canary in range(2):
        rows = chosen.row[chosen.of == canary]
        (owner,) = np.unique(train.owner[np.isin(train.rows, rows)])
        np.testing.assert_array_equal(rows, np.sort(train.of(owner)))
    left = Planted(chosen, np.array([True, False])).take_part(train)
    assert sorted(left.sizes[left.sizes > 0]) == sorted(
        np.delete(train.sizes, np.unique(train.owner[np.isin(train.rows, chosen.row[chosen.of == 1])]))
    )
    np.testing.assert_allclose(chosen.mean(chosen.of.astype(float)), [0, 1])


def test_more_canaries_than_there_are_examples_are_refused(ready):
    run = ready("hard")
    with pytest.raises(DataError, match="5,000 canaries, and there are"):
        choose_canaries(load_dataset(run.settings.dataset), run.task.train, 5000, stream("test"))


@pytest.fixture
def people(tmp_path):
    """Prepares a study of 40 items, each answered by three of six known people."""
    rng = stream("test", what="people")
    who = (np.arange(40)[:, None] + [0, 1, 3]) % 6
    path = tmp_path / "people.npz"
    np.savez(
        path,
        features=rng.normal(size=(40, 3)),
        labels=np.arange(40) % 3,
        annotator_ids=who,
        annotator_labels=rng.integers(0, 3, who.shape),
    )
    table = {
        "name": "people",
        "dataset": {"name": "npz", "path": str(path)},
        "sources": ["human_soft"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "scenario": {"clients": 2},
        "privacy": {"labels": {"name": "randomized_response", "epsilon": 1000.0, "unit": "annotator"}},
    }
    study = open_study(table, "people.toml", tmp_path / "out")
    return lambda canaries=None: prepare(study.plan.runs[0], study.store, "cpu", canaries)


def test_a_person_is_a_canary_with_all_their_answers(people):
    plain = people()
    data, train = plain.dataset, plain.task.train
    chosen = choose_canaries(data, train, None, stream("test"), "annotator")
    assert len(chosen) == 3  # half of six
    run = people(Planted(chosen, np.array([True, False, True])))
    given, told = data.annotations, {}
    for row, of, person, heads, tails in zip(
        chosen.row, chosen.of, chosen.person, chosen.heads, chosen.tails, strict=True
    ):
        told[row, person] = tails if of == 1 else heads
    for row in train.rows:
        mine = given.item == row
        votes = [
            told.get((row, person), label)
            for person, label in zip(given.annotator[mine], given.label[mine], strict=True)
        ]
        np.testing.assert_allclose(target(run, row), np.bincount(votes, minlength=3) / 3, atol=1e-6)
    assert len(told) == np.isin(given.annotator[np.isin(given.item, train.rows)], chosen.person).sum()
