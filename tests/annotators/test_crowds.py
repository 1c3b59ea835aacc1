"""Simulated people: their answers follow the stated laws, and each errs alike over items."""

import numpy as np
import pytest

from fedsoft.annotators import CROWDS, majority_of, true_quality
from fedsoft.annotators.aggregation import dawid_skene
from fedsoft.annotators.crowds import sight_of
from fedsoft.annotators.crowds.crowd import drawn
from fedsoft.annotators.crowds.fitted import matrices
from fedsoft.datasets import DATASETS, AnnotatedDataset, Annotations
from fedsoft.errors import DataError
from fedsoft.streams import stream

USUAL = np.array([[8, 2, 0], [1, 6, 3], [0, 0, 10]]) / 10
"""Votes by label; the third class is confused with none."""
SLIPS_TO = np.array([[0, 1, 0], [0.25, 0, 0.75], [0.5, 0.5, 0]])
LABELS = np.array([0, 0, 1, 2])
SHARES = np.array([0.5, 0.25, 0.25])


def table(votes: np.ndarray, labels: np.ndarray, **more: object) -> AnnotatedDataset:
    return AnnotatedDataset(
        name="table", inputs=np.zeros((len(labels), 1)), labels=labels,
        class_names=tuple("abcdefghij"[: votes.shape[1]]), votes=votes, crowd="real", **more,
    )  # fmt: skip


DATA = table((10 * USUAL[LABELS]).astype(int), LABELS)


def named(seed: int = 0):
    return lambda purpose, client: stream(purpose, seed=seed, client=client)


def ask(options, items=40_000, clients=1, votes=None, data=DATA, seed=0):
    """What a crowd says of items in turn, each client having as many; its votes, answers, and the items."""
    rows = np.tile(np.arange(items // clients) % len(data), clients)
    owner = np.repeat(np.arange(clients), items // clients)
    crowd = CROWDS.parse(options)
    return crowd.collect(type(crowd).looks(data), rows, owner, votes, named(seed)), rows, owner


def confusion_of(said, rows, person=None, data=DATA):
    """(C, C) shares of answers by label, of all people or one."""
    answers = said.answers
    mine = np.ones(len(answers.item), bool) if person is None else answers.annotator == person
    cells = data.labels[rows[answers.item[mine]]] * data.classes + answers.label[mine]
    counts = np.bincount(cells, minlength=data.classes**2).reshape(data.classes, -1)
    return counts / counts.sum(axis=1, keepdims=True)


def test_people_see_the_shares_of_votes_and_slip_as_the_data_do():
    sight = sight_of(DATA)
    np.testing.assert_allclose(sight.seen, USUAL[LABELS])
    np.testing.assert_allclose(sight.slips_to, SLIPS_TO)
    np.testing.assert_allclose(sight.shares, SHARES)
    np.testing.assert_allclose(sight.given, USUAL)
    np.testing.assert_allclose(sight.hard[3], 0)
    np.testing.assert_allclose(sight.hard[0], -(0.8 * np.log(0.8) + 0.2 * np.log(0.2)) / np.log(3))


def test_few_votes_borrow_one_of_their_label():
    votes = np.array([[2, 0], [1, 1], [0, 3], [0, 1]])
    sight = sight_of(table(votes, np.array([0, 0, 1, 1])))
    np.testing.assert_allclose(sight.seen, [[2.75 / 3, 0.25 / 3], [1.75 / 3, 1.25 / 3], [0, 1], [0, 1]])


def test_people_see_the_label_where_nobody_voted_and_nothing_where_there_is_none():
    votes = np.array([[3, 1], [1, 3], [0, 0], [0, 0]])
    data = table(votes, np.array([0, 1, 1, 0]), labelled=np.array([True, True, True, False]))
    np.testing.assert_allclose(sight_of(data).seen[2:], [[0, 1], [0, 0]])
    said, rows, _ = ask({"name": "population", "skill": 1, "people": 3}, 400, data=data)
    assert (said.votes[rows == 2] == [0, 3]).all()
    assert not said.votes[rows == 3].any()
    assert (said.votes[rows < 2].sum(axis=1) == 3).all()
    assert len(said.answers.item) == said.votes.sum()


@pytest.mark.parametrize(("skill", "laziness"), [(1.0, 0.0), (0.7, 0.0), (0.7, 0.3), (0.0, 0.0), (0.9, 1.0)])
def test_answers_follow_skill_laziness_and_the_data_s_confusion(skill, laziness):
    options = {"name": "population", "people": 2, "skill": skill, "laziness": laziness, "spread": 0}
    said, rows, _ = ask(options)
    looked = skill * USUAL + (1 - skill) * USUAL @ SLIPS_TO
    law = (1 - laziness) * looked + laziness * (SHARES @ USUAL)
    np.testing.assert_allclose(confusion_of(said, rows), law, atol=5 * 0.5 / np.sqrt(20_000))


def test_a_favourite_class_is_each_person_s_own():
    said, rows, _ = ask({"name": "population", "people": 30, "skill": 1, "bias": 0.4, "spread": 0}, 4_000)
    favourites = []
    for person in range(30):
        found = confusion_of(said, rows, person)
        favourite = int((found - USUAL).sum(axis=0).argmax())
        favourites.append(favourite)
        np.testing.assert_allclose(found, 0.6 * USUAL + 0.4 * np.eye(3)[favourite], atol=0.08)
    assert set(favourites) == {0, 1, 2}


def test_hard_items_make_people_slip_more():
    # Items of one label, easy or hard, that people confuse with the second class alone.
    votes = np.array([[100, 0, 0], [50, 50, 0], [0, 100, 0], [0, 0, 100]])
    data = table(votes, np.array([0, 0, 1, 2]))
    options = {"name": "population", "people": 1, "skill": 0.8, "spread": 0, "difficulty": 2}
    said, rows, _ = ask(options, 80_000, data=data)
    slipped = said.votes[rows == 0, 1].mean()
    assert slipped == pytest.approx(0.2, abs=0.02)  # what is seen is hardly ever the other class
    sight = sight_of(data)
    odds = 0.25 * np.exp(2 * sight.hard[1])  # 1 - skill is odds of a quarter
    first, second = sight.seen[1, :2]
    slip = odds / (1 + odds)
    # the first slips to the second, the second to the first or, evenly, to both others
    back = sight.slips_to[1, 0]
    law = first * (1 - slip) + second * slip * back
    assert said.votes[rows == 1, 0].mean() == pytest.approx(law, abs=5 * 0.5 / np.sqrt(20_000))


def test_traits_have_the_stated_mean_and_spread():
    crowd = CROWDS.parse({"name": "population", "people": 1000, "skill": 0.8, "spread": 0.5})
    chance = stream("people").random((20_000, crowd.draws(3)[0]))
    people = crowd.traits(chance)
    assert people.skill.mean() == pytest.approx(0.8, abs=0.01)
    assert people.skill.std() == pytest.approx(0.5 * 0.4, abs=0.01)  # sqrt(.8 × .2) is .4
    assert np.log(people.confidence).std() == pytest.approx(0.5, abs=0.02)
    better = CROWDS.parse({"name": "population", "people": 1000, "skill": 0.9, "spread": 0.5})
    assert (better.traits(chance).skill >= people.skill).all()  # the same people, more skilled


def test_people_stay_who_they_are():
    """Whoever errs more on some items errs more on the others, and errs to the same class."""
    options = {"name": "population", "people": 40, "skill": 0.8, "bias": 0.2, "spread": 0.4}
    said, rows, _ = ask(options, 1_600)
    answers, half = said.answers, said.answers.item // 800
    right = answers.label == LABELS[rows[answers.item]]
    shares = [
        np.bincount(answers.annotator[half == h], right[half == h], 40) / np.bincount(
            answers.annotator[half == h], minlength=40
        )
        for h in (0, 1)
    ]  # fmt: skip
    assert np.corrcoef(*shares)[0, 1] > 0.8
    alike, rows, _ = ask(options | {"spread": 0, "bias": 0}, 1_600)
    right = alike.answers.label == LABELS[rows[alike.answers.item]]
    assert np.bincount(alike.answers.annotator, right, 40).std() < 1.5 * np.sqrt(1_600 * 0.25)


def test_a_client_s_people_know_of_no_other_client():
    options = {"name": "population", "people": 6, "laziness": 0.3, "spread": 0.4, "spammers": 0.3}
    crowd, sight = CROWDS.parse(options), sight_of(DATA)
    rows, owner = np.arange(60) % 4, np.repeat([2, 5, 9], 20)
    together = crowd.collect(sight, rows, owner, 3, named())
    alone = crowd.collect(sight, rows[20:40], owner[20:40], 3, named())
    np.testing.assert_array_equal(together.votes[20:40], alone.votes)
    mine = (together.answers.item >= 20) & (together.answers.item < 40)
    np.testing.assert_array_equal(together.answers.label[mine], alone.answers.label)
    names = (one.annotator_ids[one.annotator] for one in (together.answers, alone.answers))
    np.testing.assert_array_equal(next(names)[mine], next(names))
    assert not np.array_equal(together.votes[:20], together.votes[20:40])
    assert together.answers.annotator_ids[6] == "person 0 of client 5"


def test_votes_are_given_by_so_many_people_each_of_them_once():
    said, _, _ = ask({"name": "population", "people": 7}, 3_500, clients=5, votes=3)
    assert (said.votes.sum(axis=1) == 3).all()
    pairs = said.answers.item * 35 + said.answers.annotator
    assert len(np.unique(pairs)) == len(pairs) == 3 * 3_500
    assert (said.answers.annotator // 7 == said.answers.item // 700).all()  # people of the item's client
    shares = np.bincount(said.answers.annotator, minlength=35) / 700
    np.testing.assert_allclose(shares, 3 / 7, atol=5 * np.sqrt(3 / 7 * 4 / 7 / 700))


@pytest.mark.parametrize("votes", [1, 50])
def test_as_many_votes_as_one_likes(votes):
    said, _, _ = ask({"name": "population", "people": 50}, 100, votes=votes)
    assert (said.votes.sum(axis=1) == votes).all()


def test_spammers_say_anything_or_always_the_same():
    said, rows, _ = ask({"name": "spammers", "people": 3}, 9_000)
    np.testing.assert_allclose(confusion_of(said, rows), 1 / 3, atol=5 * 0.5 / np.sqrt(6_000))
    same, rows, _ = ask({"name": "spammers", "people": 30, "spam": "one_class"}, 400)
    by_person = same.answers.label.reshape(-1, 30)
    assert (by_person == by_person[0]).all()
    assert set(by_person[0]) == {0, 1, 2}


def test_shares_of_spammers_and_adversaries_are_met():
    """Exactly where they are whole numbers of people, and on average where not."""
    crowd = CROWDS.parse({"name": "population", "people": 5, "spammers": 0.4, "adversaries": 0.2})
    chance = stream("people").random((5 * 4_000, crowd.draws(3)[0]))
    people = crowd.traits(chance)
    swaps = (people.turned != np.arange(3)).any(axis=1)
    assert (people.spams.reshape(-1, 5).sum(axis=1) == 2).all()
    assert (swaps.reshape(-1, 5).sum(axis=1) == 1).all()
    assert not (people.spams & swaps).any()
    one = CROWDS.parse({"name": "population", "people": 1, "spammers": 0.3, "adversaries": 0.5})
    people = one.traits(chance)
    swaps = (people.turned != np.arange(3)).any(axis=1)
    assert people.spams.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / 20_000))
    assert swaps.mean() == pytest.approx(0.5, abs=5 * np.sqrt(0.25 / 20_000))
    assert not (people.spams & swaps).any()


def test_adversaries_swap_every_class_for_another_always_the_same():
    options = {"name": "population", "people": 8, "skill": 1, "adversaries": 1}
    data = table(np.eye(4, dtype=int) * 10, np.arange(4))
    said, _, _ = ask(options, 400, data=data)
    by_person = said.answers.label.reshape(100, 4, 8)
    assert (by_person == by_person[0]).all()
    swapped = by_person[0]  # (label, person)
    assert (swapped != np.arange(4)[:, np.newaxis]).all()
    assert (np.sort(swapped, axis=0) == np.arange(4)[:, np.newaxis]).all()
    assert len(np.unique(swapped, axis=1).T) > 1


@pytest.mark.parametrize("traits", [{"skill": 1}, {"skill": 0.6, "laziness": 0.2, "bias": 0.2}])
def test_distributions_are_calibrated_where_confidence_is_one(traits):
    options = {"name": "population", "people": 1, "spread": 0, "answer": "distribution", **traits}
    said, rows, _ = ask(options, 40_000)
    assert said.answers is None
    assert said.votes.dtype.kind == "f"
    kinds, kind = np.unique(said.votes.round(9), axis=0, return_inverse=True)
    assert len(kinds) == 3  # one for each class that is answered
    for number, belief in enumerate(kinds):
        labels = LABELS[rows[kind.ravel() == number]]
        found = np.bincount(labels, minlength=3) / len(labels)
        np.testing.assert_allclose(found, belief, atol=5 * 0.5 / np.sqrt(len(labels)))


def test_confidence_sharpens_and_flattens():
    def beliefs(confidence):
        options = {"name": "population", "people": 1, "skill": 0.8, "spread": 0, "answer": "distribution"}
        return ask(options | {"confidence": confidence}, 400)[0].votes

    usual, sharp, flat = beliefs(1.0), beliefs(2.0), beliefs(0.5)
    np.testing.assert_allclose(sharp, usual**2 / (usual**2).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(flat, usual**0.5 / (usual**0.5).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(sharp.sum(axis=1), 1)


def test_answers_name_people_to_methods_that_ask_who_answered():
    options = {"name": "population", "people": 5, "skill": 0.95, "spread": 0, "spammers": 0.4}
    data = table(np.eye(3, dtype=int) * 10, np.arange(3))
    said, _, _ = ask(options, 900, data=data)
    skill = dawid_skene(said.answers, 900, 3).skill
    assert (np.sort(skill)[:2] < 0.5).all()
    assert (np.sort(skill)[2:] > 0.9).all()


def known_people(accuracy, each, rng, classes=4, items=600):
    """Real people who each err evenly, each with a known accuracy; answers, and true classes."""
    truth = rng.integers(0, classes, items)
    item = np.concatenate([rng.choice(items, each, replace=False) for _ in accuracy])
    who = np.repeat(np.arange(len(accuracy)), each)
    right = rng.random(len(item)) < np.repeat(accuracy, each)
    label = np.where(right, truth[item], (truth[item] + rng.integers(1, classes, len(item))) % classes)
    return Annotations(item, who, label), truth


def test_a_fitted_crowd_has_the_accuracies_of_the_real_one():
    accuracy = np.repeat([0.3, 0.6, 0.95], 20)
    answers, truth = known_people(accuracy, 200, stream("people"))
    votes = np.zeros((600, 4), int)
    np.add.at(votes, (answers.item, answers.label), 1)
    data = table(votes, truth, annotations=answers)
    said, rows, _ = ask({"name": "fitted", "people": 500}, 600, data=data)
    right = said.answers.label == truth[rows[said.answers.item]]
    found = np.bincount(said.answers.annotator, right, 500) / 600
    for share in (0.3, 0.6, 0.95):
        assert (np.abs(found - share) < 0.12).mean() == pytest.approx(1 / 3, abs=0.1)


def test_a_fitted_crowd_may_follow_those_who_answer_most():
    truth = np.arange(100) % 2
    item = np.concatenate([np.arange(20), np.arange(100)])
    label = truth[item].copy()
    label[20:] = 1 - label[20:]  # whoever answers five times as much is always wrong
    answers = Annotations(item, np.repeat([0, 1], [20, 100]), label)
    votes = np.zeros((100, 2), int)
    np.add.at(votes, (item, label), 1)
    data = table(votes, truth, annotations=answers)
    for by, share in (("people", 1 / 2), ("answers", 1 / 6)):
        said, _, _ = ask({"name": "fitted", "people": 1000, "by": by}, 100, data=data)
        right = (said.answers.label == truth[said.answers.item]).mean()
        assert right == pytest.approx(share, abs=5 * 0.5 / np.sqrt(1000))


def test_a_fitted_person_errs_as_the_real_one_does():
    # One always calls the second class the first, the other never errs; 30 answers a class.
    item = np.tile(np.arange(90), 2)
    truth = np.arange(90) % 3
    label = truth[item].copy()
    label[:90][truth == 1] = 0
    found, answered = matrices(Annotations(item, np.repeat([0, 1], 90), label), np.eye(3)[truth], "table")
    # 30 answers and 10 borrowed: right two times in three, else as the crowd errs on that class
    np.testing.assert_allclose(found[0, 1], [30 / 40 + 10 / 40 / 3, 10 / 40 * 2 / 3, 0])
    np.testing.assert_allclose(found[0, 0], [30 / 40 + 10 / 40 * 2 / 3, 10 / 40 / 6, 10 / 40 / 6])
    np.testing.assert_allclose(found[1], np.eye(3))
    assert answered.tolist() == [90, 90]


def test_a_fitted_crowd_needs_people_who_are_known():
    with pytest.raises(DataError, match="needs to know who answered what"):
        ask({"name": "fitted"})
    few = Annotations(np.arange(4), np.arange(4), LABELS)
    with pytest.raises(DataError, match="20 answers or more, and dataset 'table' has none"):
        ask({"name": "fitted"}, data=table(DATA.votes, LABELS, annotations=few))


@pytest.mark.parametrize("name", ["music_genre", "md_agreement"])
def test_a_crowd_fitted_to_real_people_is_right_as_often_as_they_are(name, data_folder):
    """By the labels of music; by Dawid-Skene where labels are a majority, one's own vote in it."""
    data = DATASETS.parse(name).load()
    crowd, answers = CROWDS.parse({"name": "fitted", "people": 300}), data.annotations
    sight = type(crowd).looks(data)
    truth = sight.seen.argmax(axis=1)
    assert (truth == data.labels).mean() > (0.9 if data.labels_are_majority else 0.9999)
    given = np.bincount(answers.annotator)
    right = np.bincount(answers.annotator, answers.label == truth[answers.item])
    real = (right / given)[given >= 20]
    rows = np.flatnonzero(data.voted)[:700]
    said = crowd.collect(sight, rows, np.zeros(len(rows), int), None, named())
    hits = said.answers.label == truth[rows[said.answers.item]]
    found = np.bincount(said.answers.annotator, hits) / len(rows)
    levels = np.array([0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(np.quantile(found, levels), np.quantile(real, levels), atol=0.04)


def test_draws_by_hand():
    prob = np.array([[0.5, 0.5, 0], [0, 0, 1.0]])
    found = drawn(prob, np.array([0, 0, 0, 1, 1]), np.array([0, 0.49, 0.51, 0, 0.999]))
    assert found.tolist() == [0, 0, 1, 2, 2]


def test_quality_by_hand():
    answers = np.array([[3, 1], [0, 2], [1, 1], [4, 0], [5, 5]])
    found = true_quality(answers, np.array([0, 0, 1, -1, 0]), np.array([0, 0, 1, 1, 3]), 4)
    np.testing.assert_allclose(found, [3 / 6, 1 / 2, np.nan, 1 / 2])
    assert majority_of(np.array([[3, 1], [1, 1], [0, 0], [0, 2]])).tolist() == [0, -1, -1, 1]
