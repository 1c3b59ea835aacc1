import json
import tracemalloc
from dataclasses import replace
from inspect import getmodule
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from fedsoft.annotators.aggregation import dawid_skene, glad, mace, one_coin, wawa
from fedsoft.datasets import Annotations
from fedsoft.errors import FedsoftWarning
from fedsoft.streams import stream

ALL = pytest.mark.parametrize("aggregate", [dawid_skene, one_coin, wawa, mace, glad])
IMAGES, CLASSES = 2_000, 3


def everyone_answers(confusion, images=IMAGES, shares=(0.5, 0.3, 0.2)):
    """The true classes, and the answers of people with these confusion matrices (R, C, C) to each image."""
    rng = stream("people who answer")
    true = rng.choice(len(shares), images, p=shares)
    people = len(confusion)
    item, annotator = np.repeat(np.arange(images), people), np.tile(np.arange(people), images)
    says = np.cumsum(confusion[annotator, true[item]], axis=1)
    label = (says[:, :-1] < rng.random((len(item), 1))).sum(axis=1)
    return true, Annotations(item, annotator, label)


def even(skills, classes=CLASSES):
    skills = np.asarray(skills)[:, np.newaxis, np.newaxis]
    return np.where(np.eye(classes, dtype=bool), skills, (1 - skills) / (classes - 1))


def crowd_of(counts):
    """The crowd's confusion (C, C) from its answers, and 200 a true class with even errors."""
    counts = counts + 200 * even([counts.trace() / counts.sum()], len(counts))[0]
    return counts / counts.sum(axis=1, keepdims=True)


def confusion_of(posterior, annotations, smoothing=0):
    """The confusion matrices (R, C, C) that a posterior implies, with answers borrowed from the crowd's."""
    people, classes = annotations.annotator.max() + 1, posterior.shape[1]
    counts = np.zeros((people, classes, classes))
    for image, who, answer in zip(annotations.item, annotations.annotator, annotations.label, strict=True):
        counts[who, :, answer] += posterior[image]
    counts += smoothing * crowd_of(counts.sum(axis=0))
    return counts / counts.sum(axis=2, keepdims=True)


@pytest.fixture(scope="module")
def biased():
    """Twelve people, each with a confusion matrix of their own."""
    rng = stream("confusions")
    return np.stack(
        [0.6 * np.eye(CLASSES) + 0.4 * rng.dirichlet(np.ones(CLASSES), CLASSES) for _ in range(12)]
    )


def test_dawid_skene_recovers_confusion_matrices(biased):
    true, annotations = everyone_answers(biased)
    found = dawid_skene(annotations, IMAGES, CLASSES)
    # the rarest class has 400 images: a deviation of at most .5/20
    confusion = confusion_of(found.posterior, annotations)
    np.testing.assert_allclose(confusion, biased, atol=4.5 * 0.5 / 20)
    right = np.einsum(
        "rcc,c->r", confusion_of(found.posterior, annotations, 10), found.posterior.mean(axis=0)
    )
    np.testing.assert_allclose(found.skill, right, atol=1e-6)
    assert (found.posterior.argmax(axis=1) == true).mean() > 0.98


def test_one_coin_recovers_skills():
    skills = np.linspace(0.45, 0.95, 9)
    true, annotations = everyone_answers(even(skills))
    found = one_coin(annotations, IMAGES, CLASSES)
    np.testing.assert_allclose(found.skill, skills, atol=4.5 * 0.5 / np.sqrt(IMAGES))
    assert (found.posterior.argmax(axis=1) == true).mean() > 0.97


def test_one_coin_and_dawid_skene_agree_on_two_equal_classes_with_even_errors():
    _, annotations = everyone_answers(even(np.linspace(0.6, 0.9, 7), 2), shares=(0.5, 0.5))
    gap = dawid_skene(annotations, IMAGES, 2).posterior - one_coin(annotations, IMAGES, 2).posterior
    assert np.abs(gap).max() < 0.1


@pytest.mark.parametrize("aggregate", [dawid_skene, one_coin])
def test_probabilities_mean_what_they_say(aggregate):
    true, annotations = everyone_answers(even([0.5, 0.55, 0.6, 0.65, 0.7]), images=20_000)
    posterior = aggregate(annotations, 20_000, CLASSES).posterior
    right = posterior.argmax(axis=1) == true
    assert posterior.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.015)


@ALL
def test_a_careless_annotator_counts_less(aggregate):
    true, annotations = everyone_answers(even([0.85, 0.85, 0.85, 1 / 3]))
    found = aggregate(annotations, IMAGES, CLASSES)
    assert found.skill[3] < 0.6 < 0.73 < found.skill[:3].min()
    votes = np.zeros((IMAGES, CLASSES))
    np.add.at(votes, (annotations.item, annotations.label), 1)
    mass = found.posterior[np.arange(IMAGES), true].mean()
    assert mass > (votes / 4)[np.arange(IMAGES), true].mean() + 0.03


def test_wawa_by_hand():
    """Images 0 and 1 have majorities; annotator 2 misses the first of them, and image 2 is a tie of three."""
    answers = np.array([[0, 0, 1], [1, 1, 1], [0, 1, 2]])
    found = wawa(Annotations(np.repeat([0, 1, 2], 3), np.tile([0, 1, 2], 3), answers.ravel()), 3, 3)
    careful, careless = (1 + 1 + 1 / 3) / 3, (0 + 1 + 1 / 3) / 3
    np.testing.assert_allclose(found.skill, [careful, careful, careless])
    total = 2 * careful + careless
    first, second = 2 * careful / total, careless / total
    np.testing.assert_allclose(
        found.posterior, [[first, second, 0], [0, 1, 0], [careful / total, careful / total, second]]
    )


def test_dawid_skene_by_hand():
    """Two images, two annotators, who agree on the first and differ on the second: the start is the end."""
    annotations = Annotations(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1]))
    found = dawid_skene(annotations, 2, 2, smoothing=0)
    # shares of votes (1, 0) and (.5, .5): class shares .75 and .25; answers of the first annotator
    # are always 0, of the second 0 with 1/1.5 under class 0 and never under class 1
    np.testing.assert_allclose(found.skill, [0.75, 0.75 * 2 / 3 + 0.25], atol=1e-9)
    np.testing.assert_allclose(found.posterior[0], [1, 0], atol=1e-9)
    np.testing.assert_allclose(found.posterior[1], [0.5, 0.5])  # .75/3 and .25


def loops(annotations, images, classes, smoothing, steps):
    """Dawid-Skene as the paper tells it, answer by answer, with borrowed answers, for so many plain steps."""
    answers = list(zip(annotations.item, annotations.annotator, annotations.label, strict=True))
    people = max(who for _, who, _ in answers) + 1
    posterior = np.zeros((images, classes))
    for item, _, label in answers:
        posterior[item, label] += 1
    posterior /= posterior.sum(axis=1, keepdims=True)
    votes = posterior
    for _ in range(steps):
        crowd, own = np.zeros((classes, classes)), np.zeros((people, classes, classes))
        for item, who, label in answers:
            crowd[:, label] += posterior[item]
            own[who, :, label] += posterior[item]
        own += smoothing * crowd_of(crowd)
        own /= own.sum(axis=2, keepdims=True)
        shares = np.average([posterior, votes], axis=0, weights=[len(answers), smoothing * images]).mean(
            axis=0
        )
        logs = np.tile(np.log(shares), (images, 1))
        for item, who, label in answers:
            logs[item] += np.log(np.maximum(own[who, :, label], 1e-10))
        posterior = np.exp(logs - logs.max(axis=1, keepdims=True))
        posterior /= posterior.sum(axis=1, keepdims=True)
    return posterior, own


@pytest.mark.parametrize("smoothing", [0, 3])
def test_dawid_skene_is_the_limit_of_plain_steps(smoothing):
    _, annotations = everyone_answers(even([0.5, 0.6, 0.8]), images=60)
    found = dawid_skene(annotations, 60, CLASSES, smoothing)
    posterior, confusion = loops(annotations, 60, CLASSES, smoothing, 400)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-5)
    skill = np.einsum("rcc,c->r", confusion, posterior.mean(axis=0))
    np.testing.assert_allclose(found.skill, skill, atol=1e-5)


def test_a_leap_that_lowers_the_likelihood_is_undone(monkeypatch):
    _, annotations = everyone_answers(even([0.5, 0.6, 0.8]), images=60)
    found = dawid_skene(annotations, 60, CLASSES, 3).posterior
    monkeypatch.setattr(
        "fedsoft.annotators.aggregation.em.extrapolated", lambda *steps: np.full((60, CLASSES), 1 / CLASSES)
    )
    np.testing.assert_allclose(dawid_skene(annotations, 60, CLASSES, 3).posterior, found, atol=1e-5)


@pytest.mark.parametrize(("aggregate", "options"), [(dawid_skene, {"smoothing": 0}), (one_coin, {})])
def test_plain_steps_never_lower_the_likelihood(aggregate, options, monkeypatch):
    _, annotations = everyone_answers(even([0.4, 0.5, 0.6, 0.8]), images=60)
    seen = []

    def plain_steps(start, step, number):
        here = start
        for _ in range(40):
            once, (here, likelihood) = here, step(here)
            seen.append(likelihood)
        return once, here

    monkeypatch.setattr(getmodule(aggregate), "settle", plain_steps)
    posterior = aggregate(annotations, 60, CLASSES, **options).posterior
    assert np.diff(seen).min() > -1e-9
    # That of the last parameters, answer by answer.
    if aggregate is one_coin:
        skill = [
            posterior[annotations.item, annotations.label][annotations.annotator == r].mean()
            for r in range(4)
        ]
        chances = even(skill)[annotations.annotator, :, annotations.label]
        logs = np.log(posterior.mean(axis=0)) + np.stack(
            [np.log(chances[annotations.item == image]).sum(axis=0) for image in range(60)]
        )
        assert seen[-1] == pytest.approx(np.log(np.exp(logs).sum(axis=1)).sum(), abs=1e-2)


def strangers(people, each, an_image, classes):
    """True classes, and answers of people who are right in 60 to 95 % and err in ways of their own."""
    rng = stream("strangers", people=people)
    images = people * each // an_image
    skill = rng.uniform(0.6, 0.95, people)[:, np.newaxis, np.newaxis]
    errors = rng.dirichlet(np.full(classes, 0.5), (people, classes)) * (1 - np.eye(classes))
    confusion = skill * np.eye(classes) + (1 - skill) * errors / errors.sum(axis=2, keepdims=True)
    true = rng.integers(0, classes, images)
    annotator = np.concatenate([rng.permutation(people) for _ in range(each)])[: images * an_image]
    item = np.repeat(np.arange(images), an_image)
    says = np.cumsum(confusion[annotator, true[item]], axis=1)
    label = (says[:, :-1] < rng.random((len(item), 1))).sum(axis=1)
    return true, Annotations(item, annotator, label)


def right(posterior, true):
    """The share of images whose true class is on top; one of t tied classes counts 1/t."""
    top = posterior > posterior.max(axis=1, keepdims=True) - 1e-9
    return (top / top.sum(axis=1, keepdims=True))[np.arange(len(true)), true].mean()


@pytest.mark.parametrize(
    ("people", "each", "an_image", "classes"),
    [(248, 25, 5, 10), (300, 5, 3, 4), (2000, 1, 5, 4), (1500, 1, 3, 3)],
)
def test_few_answers_a_person_are_no_worse_than_a_majority(people, each, an_image, classes):
    true, annotations = strangers(people, each, an_image, classes)
    votes = np.zeros((len(true), classes))
    np.add.at(votes, (annotations.item, annotations.label), 1)
    majority = right(votes, true)
    found = right(dawid_skene(annotations, len(true), classes).posterior, true)
    plain = right(dawid_skene(annotations, len(true), classes, smoothing=0).posterior, true)
    assert found > majority - 0.005
    assert plain < majority - 0.01


def test_one_answer_a_person_says_nothing_of_persons_and_all_of_the_crowd():
    """The method of 1979 gives every image the same target; borrowing ever more, all are one person."""
    _, annotations = strangers(500, 1, 5, 3)
    plain = dawid_skene(annotations, 100, 3, smoothing=0).posterior
    np.testing.assert_allclose(plain, np.broadcast_to(plain[0], plain.shape), atol=1e-6)
    one = replace(annotations, annotator=np.zeros_like(annotations.annotator))
    np.testing.assert_allclose(
        dawid_skene(annotations, 100, 3, smoothing=1e9).posterior,
        dawid_skene(one, 100, 3, smoothing=1e9).posterior,
        atol=1e-5,
    )


def test_many_answers_a_person_need_no_crowd(biased):
    _, annotations = everyone_answers(biased)
    found, plain = (dawid_skene(annotations, IMAGES, CLASSES, s) for s in (10, 0))
    np.testing.assert_allclose(found.skill, plain.skill, atol=10 / 400)


@pytest.mark.parametrize("aggregate", [dawid_skene, one_coin, mace])
def test_em_that_does_not_settle_is_told(aggregate, monkeypatch, recwarn):
    _, annotations = everyone_answers(even([0.5, 0.6, 0.8]), images=60)
    aggregate(annotations, 60, CLASSES)
    assert not recwarn
    monkeypatch.setattr("fedsoft.annotators.aggregation.em.MOST_PAIRS", 1)
    with pytest.warns(FedsoftWarning, match="180 annotations by EM did not settle in 2 steps"):
        aggregate(annotations, 60, CLASSES)


@ALL
def test_a_tie_of_equals_stays_a_tie(aggregate):
    answers = np.array([[0, 1], [1, 0], [0, 0], [1, 1]])
    annotations = Annotations(np.repeat(np.arange(4), 2), np.tile([0, 1], 4), answers.ravel())
    posterior = aggregate(annotations, 4, 2).posterior
    np.testing.assert_allclose(posterior[:2], 0.5, atol=1e-6)
    np.testing.assert_array_equal(posterior[2:].argmax(axis=1), [0, 1])


@ALL
def test_names_and_order_of_annotators_do_not_matter(aggregate, biased):
    _, annotations = everyone_answers(biased, images=300)
    rng = stream("renamed")
    names, order = rng.permutation(12), rng.permutation(len(annotations.item))
    moved = replace(
        annotations,
        item=annotations.item[order],
        annotator=names[annotations.annotator][order],
        label=annotations.label[order],
    )
    first, second = aggregate(annotations, 300, CLASSES), aggregate(moved, 300, CLASSES)
    exact = 1e-4 if aggregate is glad else 1e-9  # a search ends where the slope is small
    np.testing.assert_allclose(first.posterior, second.posterior, atol=exact)
    np.testing.assert_allclose(first.skill, second.skill[names], atol=exact)


@ALL
def test_unanimous_people_are_believed(aggregate):
    item = np.repeat(np.arange(6), 3)
    posterior = aggregate(Annotations(item, np.tile([0, 1, 2], 6), item % 3), 6, 3).posterior
    doubt = 0.1 if aggregate in (mace, glad) else 1e-9  # their priors leave some, after six answers each
    np.testing.assert_allclose(posterior, np.eye(3)[np.arange(6) % 3], atol=doubt)


@ALL
def test_twenty_people_and_two_thousand_images_take_no_time(aggregate):
    _, annotations = everyone_answers(even(np.linspace(0.5, 0.9, 20)))
    began = process_time()
    aggregate(annotations, IMAGES, CLASSES)
    assert process_time() - began < 2


@ALL
def test_memory_follows_the_answers(aggregate):
    """2,000 people and 80 classes have 12.8 million cells of confusion (102 MB), and 10,000 answers."""
    _, annotations = strangers(400, 5, 5, 80)
    wide = replace(annotations, annotator=annotations.annotator * 5 + annotations.item % 5)
    tracemalloc.start()
    aggregate(wide, 400, 80)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6


@ALL
def test_one_image_answered_by_everyone_costs_its_answers(aggregate):
    true, annotations = strangers(3_000, 1, 5, 4)
    control = np.full(3_000, 600)
    crowded = Annotations(
        np.append(annotations.item, control),
        np.append(annotations.annotator, np.arange(3_000)),
        np.append(annotations.label, stream("control").choice(4, 3_000, p=[0.7, 0.1, 0.1, 0.1])),
    )
    tracemalloc.start()
    posterior = aggregate(crowded, 601, 4).posterior
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6
    assert posterior[600, 0] > 0.6
    assert right(posterior[:600], true) > 0.8


CROWD_KIT = json.loads((Path(__file__).parent / "reference" / "crowd_kit.json").read_text())


@pytest.mark.parametrize(
    ("aggregate", "options", "gap"),
    [
        (dawid_skene, {"smoothing": 0}, 1e-4),
        (one_coin, {}, 1e-4),
        (wawa, {}, 1e-6),
        (mace, {"smoothing": 0}, 1e-6),
        (glad, {}, 0.2),  # Crowd-Kit's is that of the paper, with each image's easiness fitted
    ],
)
def test_crowd_kit_finds_the_same(aggregate, options, gap):
    annotations = Annotations(*np.array(CROWD_KIT["answers"]).T)
    expected = np.array(CROWD_KIT[aggregate.__name__])
    posterior = aggregate(annotations, *expected.shape, **options).posterior
    np.testing.assert_allclose(posterior, expected, atol=gap)
    same = posterior.argmax(axis=1) == expected.argmax(axis=1)
    assert same.mean() >= (0.95 if aggregate is glad else 1)


def spammed(people, each, an_image, classes):
    """True classes, and answers of people of whom three in ten have a habit and do not look."""
    rng = stream("spammers", people=people, each=each)
    images = people * each // an_image
    true = rng.integers(0, classes, images)
    annotator = np.concatenate([rng.permutation(people) for _ in range(each)])[: images * an_image]
    item = np.repeat(np.arange(images), an_image)
    looks = (rng.random(people) > 0.3)[annotator] & (rng.random(len(item)) < 0.85)
    habit = np.where(rng.random(len(item)) < 0.7, rng.integers(0, classes, people)[annotator], 0)
    return true, Annotations(item, annotator, np.where(looks, true[item], habit))


def uneven(people, each, an_image, classes):
    """True classes, and answers that are right by ability and easiness, both unequal, as GLAD has it."""
    rng = stream("easy and hard", people=people, each=each)
    images = people * each // an_image
    true = rng.integers(0, classes, images)
    annotator = np.concatenate([rng.permutation(people) for _ in range(each)])[: images * an_image]
    item = np.repeat(np.arange(images), an_image)
    odds = rng.normal(1.2, 1, people)[annotator] * np.exp(rng.normal(0, 1, images))[item]
    looks = rng.random(len(item)) < 1 / (1 + np.exp(-odds))
    other = (true[item] + rng.integers(1, classes, len(item))) % classes
    return true, Annotations(item, annotator, np.where(looks, true[item], other))


def gain(aggregate, true, annotations, classes):
    """Right more often than the majority: the share of images, and its standard error."""
    votes = np.zeros((len(true), classes))
    np.add.at(votes, (annotations.item, annotations.label), 1)
    tops = []
    for rows in (aggregate(annotations, len(true), classes).posterior, votes):
        top = rows > rows.max(axis=1, keepdims=True) - 1e-9
        tops.append((top / top.sum(axis=1, keepdims=True))[np.arange(len(true)), true])
    more = tops[0] - tops[1]
    return more.mean(), more.std() / np.sqrt(len(true))


@pytest.mark.parametrize("crowd", [spammed, uneven, strangers])
@pytest.mark.parametrize("aggregate", [dawid_skene, mace, glad])
@pytest.mark.parametrize("each", [1, 2, 5, 20])
def test_few_answers_a_person_never_lose_to_a_majority(aggregate, crowd, each):
    true, annotations = crowd(5_000 // each, each, 5, 4)
    more, error = gain(aggregate, true, annotations, 4)
    assert more > -2.5 * error - 1e-9


def unlike(people, each, an_image, classes):
    """True classes, and answers of people each of whom is better at some classes than at others."""
    rng = stream("unlike", people=people, each=each)
    images = people * each // an_image
    true = rng.integers(0, classes, images)
    annotator = np.concatenate([rng.permutation(people) for _ in range(each)])[: images * an_image]
    item = np.repeat(np.arange(images), an_image)
    sure = rng.uniform(0.45, 0.98, (people, classes))[annotator, true[item]]
    other = (true[item] + rng.integers(1, classes, len(item))) % classes
    return true, Annotations(item, annotator, np.where(rng.random(len(item)) < sure, true[item], other))


def habitual(people, each, an_image, classes):
    """True classes, and answers of people of whom three in ten always give one class, each their own."""
    rng = stream("habitual", people=people, each=each)
    images = people * each // an_image
    true = rng.integers(0, classes, images)
    annotator = np.concatenate([rng.permutation(people) for _ in range(each)])[: images * an_image]
    item = np.repeat(np.arange(images), an_image)
    looks = (rng.random(people) > 0.3)[annotator] & (rng.random(len(item)) < 0.85)
    habit = rng.integers(0, classes, people)[annotator]
    return true, Annotations(item, annotator, np.where(looks, true[item], habit))


@pytest.mark.parametrize(
    ("crowd", "people", "each", "an_image", "classes"),
    [
        (unlike, 1_800, 1, 3, 2),
        (unlike, 900, 2, 3, 2),
        (unlike, 360, 5, 3, 2),
        (habitual, 360, 5, 3, 4),
        (habitual, 180, 10, 3, 10),
        (habitual, 90, 20, 3, 10),
        (habitual, 36, 50, 3, 10),
    ],
)
def test_no_class_of_dawid_skene_explains_what_others_should(crowd, people, each, an_image, classes):
    true, annotations = crowd(people, each, an_image, classes)
    more, error = gain(dawid_skene, true, annotations, classes)
    assert more > -2.5 * error - 1e-9


@pytest.mark.parametrize(("aggregate", "crowd"), [(mace, spammed), (glad, spammed), (glad, uneven)])
def test_where_the_model_holds_it_beats_the_majority(aggregate, crowd):
    true, annotations = crowd(1_500, 20, 5, 4)
    more, error = gain(aggregate, true, annotations, 4)
    assert more > 3 * error


@pytest.mark.parametrize("aggregate", [mace, glad])
@pytest.mark.parametrize("each", [1, 20])
def test_priors_keep_few_answers_from_being_too_sure(aggregate, each):
    true, annotations = uneven(5_000 // each, each, 5, 4)
    posterior = aggregate(annotations, 1_000, 4).posterior
    assert posterior.max(axis=1).mean() == pytest.approx(right(posterior, true), abs=0.04)


def test_mace_knows_spammers():
    rng = stream("some spam")
    true = rng.integers(0, CLASSES, 400)
    answers = np.stack([true, true, true, np.full(400, 1), rng.integers(0, CLASSES, 400)], axis=1)
    answers[:, :3] = np.where(rng.random((400, 3)) < 0.3, rng.integers(0, CLASSES, (400, 3)), answers[:, :3])
    item, annotator = np.indices(answers.shape).reshape(2, -1)
    skill = mace(Annotations(item, annotator, answers.ravel()), 400, CLASSES).skill
    np.testing.assert_allclose(skill, [0.7, 0.7, 0.7, 0, 0], atol=0.1)


def test_one_answer_a_person_leaves_mace_the_crowds_honesty():
    _, annotations = spammed(2_000, 1, 5, 4)
    skill = mace(annotations, 400, 4, smoothing=1e6).skill
    np.testing.assert_allclose(skill, skill[0], atol=1e-4)


def glad_density(ability, mean, annotations, images, classes, spread, difficulty):
    """The log density that GLAD's abilities maximise, image by image, with easiness on a fine grid."""
    grid = np.linspace(-6, 6, 601)
    weight = np.exp(-(grid**2) / 2)
    weight /= weight.sum()
    value = -((ability - mean) ** 2).sum() / 2 / spread**2
    posterior = np.zeros((images, classes))
    for image in range(images):
        mine = annotations.item == image
        p = 1 / (1 + np.exp(-np.outer(ability[annotations.annotator[mine]], np.exp(difficulty * grid))))
        for true in range(classes):
            hit = (annotations.label[mine] == true)[:, np.newaxis]
            posterior[image, true] = np.where(hit, p, (1 - p) / (classes - 1)).prod(axis=0) @ weight
    value += np.log(posterior.sum(axis=1)).sum()
    return value, posterior / posterior.sum(axis=1, keepdims=True)


def test_glad_is_at_the_top_of_its_density():
    _, annotations = uneven(10, 12, 4, CLASSES)
    found = glad(annotations, 30, CLASSES, spread=0.7, difficulty=0.8)
    ability = np.log(found.skill / (1 - found.skill))

    def density(at):
        return glad_density(at, at.mean(), annotations, 30, CLASSES, 0.7, 0.8)

    top, posterior = density(ability)
    np.testing.assert_allclose(found.posterior, posterior, atol=2e-3)
    for who in range(10):
        for step in (-0.1, 0.1):
            assert density(ability + step * (np.arange(10) == who))[0] < top


def test_glad_that_does_not_settle_is_told(monkeypatch):
    _, annotations = uneven(10, 12, 4, CLASSES)
    monkeypatch.setattr(getmodule(glad), "MOST_STEPS", 2)
    with pytest.warns(FedsoftWarning, match="120 annotations by glad did not settle in 2 steps"):
        glad(annotations, 30, CLASSES)
