"""People who judge, as a third unit beside images and seeds, and sets of people in place of seeds."""

import itertools

import numpy as np
import pytest

from fedsoft.evaluation import Crossing, Judges

IMAGES, SEEDS, PEOPLE, CLASSES, ANSWERS = 30, 4, 7, 3, 4


@pytest.fixture
def crowd(rng):
    """Who answered what: four of seven people on each image, each of whom prefers a class of their own."""
    item = np.repeat(np.arange(IMAGES), ANSWERS)
    person = np.concatenate([rng.permutation(PEOPLE)[:ANSWERS] for _ in range(IMAGES)])
    said = np.where(rng.random(len(item)) < 0.5, person % CLASSES, rng.integers(CLASSES, size=len(item)))
    return item, said, person


@pytest.fixture
def cells():
    """Image and seed of each cell: two seeds hold out the same half."""
    pairs = [(image, seed) for seed in range(SEEDS) for image in range(seed % 2, IMAGES, 2)]
    return tuple(np.array(pairs).T)


def single_answers(crowd, image):
    """One row a cell and answer: cell, class, person, share of the cell."""
    rows = [
        (cell, said, who, 1 / ANSWERS)
        for cell, row in enumerate(image)
        for item, said, who in zip(*crowd, strict=True)
        if item == row
    ]
    cell, said, who, share = (np.array(column) for column in zip(*rows, strict=True))
    return cell, said, who, share


def clustered(influence, *units):
    """Σ over clusters of the squared sums of influences, times G / (G − 1); clusters agree in all units."""
    _, cluster = np.unique(np.stack(units), axis=1, return_inverse=True)
    sums = np.bincount(cluster.ravel(), influence)
    return (sums**2).sum() * len(sums) / (len(sums) - 1)


def by_inclusion_and_exclusion(influence, *units):
    """Cameron, Gelbach, Miller 2011, equation 2.13, written out over every answer of every cell."""
    return sum(
        (-1) ** (size + 1) * clustered(influence, *some)
        for size in range(1, len(units) + 1)
        for some in itertools.combinations(units, size)
    )


@pytest.mark.parametrize("unit", ["image", "pairs of images"])
@pytest.mark.parametrize("part", ["all", "contrast"])
def test_variance_is_that_of_three_way_clustering(unit, part, crowd, cells, rng):
    image, seed = cells
    independent = image if unit == "image" else image // 2
    judges = Judges.of(image, *crowd, CLASSES)
    cell, said, who, share = single_answers(crowd, image)
    # losses with effects of every unit, so that no floor is reached
    losses = rng.normal(size=(len(image), CLASSES)) + rng.normal(size=IMAGES)[image][:, None]
    losses += rng.normal(size=SEEDS)[seed][:, None] + 3 * np.arange(CLASSES)
    pairs = losses[judges.cell, judges.label][:, None]
    values = np.bincount(cell, share * losses[cell, said])
    hard = image < 12
    groups, across = np.stack([hard, ~hard], axis=1), np.array([[1.0, -1.0]])
    if part == "all":
        groups, across = np.ones((len(image), 1)), None
    made = Crossing(independent, seed, groups, judges={"vote": judges}).effects(
        values[:, None], across, judged=("vote", pairs)
    )
    plain = Crossing(independent, seed, groups).effects(values[:, None], across)
    assert made.estimate == plain.estimate

    def influence(mask):
        of_cell = mask / mask.sum() * (values - values[mask].mean())
        own = mask[cell] / mask.sum() * share * (losses[cell, said] - values[mask].mean())
        np.testing.assert_allclose(np.bincount(cell, own), of_cell, atol=1e-12)
        return own

    own = influence(np.ones_like(hard)) if part == "all" else influence(hard) - influence(~hard)
    units = independent[cell], seed[cell], who
    added = by_inclusion_and_exclusion(own, *units) - by_inclusion_and_exclusion(own, *units[:2])
    if part == "all":
        assert added > 0
    expected = max(plain.se[0, 0] ** 2 + max(added, 0), clustered(own, who))
    assert made.se[0, 0] ** 2 == pytest.approx(expected, rel=1e-9)
    if unit == "image" and part == "all":  # beyond every floor
        assert expected == pytest.approx(by_inclusion_and_exclusion(own, *units))


def test_pairs_hold_who_answered_what(crowd, cells):
    image, _ = cells
    judges = Judges.of(image, *crowd, CLASSES)
    cell, said, who, _ = single_answers(crowd, image)
    expected = sorted(zip(cell, said, who, strict=True))
    at = judges.pair
    assert sorted(zip(judges.cell[at], judges.label[at], judges.person, strict=True)) == expected
    np.testing.assert_allclose(np.bincount(judges.cell, judges.share), 1)
    np.testing.assert_allclose(np.bincount(at, judges.each[at]), judges.share)


def test_people_are_as_many_as_they_are_in_effect(cells):
    image, _ = cells
    everybody = np.repeat(np.arange(IMAGES), 3), np.tile([0, 1, 1], IMAGES), np.tile([4, 5, 9], IMAGES)
    assert Judges.of(image, *everybody, 2).effective == pytest.approx(3)
    # one judges alone where two share the other half of the images: parts of 1/2, 1/4 and 1/4
    item = np.concatenate([np.arange(15), np.repeat(np.arange(15, 30), 2)])
    person = np.concatenate([np.zeros(15, int), np.tile([1, 2], 15)])
    judges = Judges.of(np.arange(IMAGES), item, np.zeros(45, int), person, 2)
    assert judges.effective == pytest.approx(1 / (1 / 4 + 2 / 16))


def test_few_people_leave_few_degrees_of_freedom(cells, rng):
    image, seed = cells
    everybody = np.repeat(np.arange(IMAGES), 3), np.tile([0, 1, 1], IMAGES), np.tile([4, 5, 9], IMAGES)
    judges = Judges.of(image, *everybody, 2)
    crossing = Crossing(image, seed, judges={"vote": judges})
    pairs = rng.normal(size=(len(judges.cell), 1))
    values = np.bincount(judges.cell, judges.share * pairs[:, 0])[:, None]
    assert crossing.effects(values).df == SEEDS - 1
    assert crossing.effects(values, judged=("vote", pairs)).df == pytest.approx(2)


def test_a_person_who_alone_differs_gives_the_classical_standard_error(rng):
    """Nothing but people: each of ten answers images of their own, so that their means are ten draws."""
    person = np.repeat(np.arange(10), 20)
    means = rng.normal(size=10)
    judges = Judges.of(np.arange(200), np.arange(200), np.zeros(200, int), person, 2)
    values = means[person][:, None]
    made = Crossing(np.arange(200), np.zeros(200), judges={"vote": judges}).effects(
        values, judged=("vote", values)
    )
    assert made.df == pytest.approx(9)
    assert made.se[0, 0] == pytest.approx(means.std(ddof=1) / np.sqrt(10))


def test_what_is_common_to_two_columns_cancels(crowd, cells, rng):
    image, seed = cells
    judges = Judges.of(image, *crowd, CLASSES)
    pairs = rng.normal(size=(len(judges.cell), 1)) + np.array([[0, 0.3]])
    values = np.stack([np.bincount(judges.cell, judges.share * column) for column in pairs.T], axis=1)
    made = Crossing(image, seed, judges={"vote": judges}).effects(
        values, combine=np.array([[-1, 1]]), judged=("vote", pairs)
    )
    assert made.estimate[0, 0] == pytest.approx(0.3)
    assert made.se[0, 0] < 1e-12


def test_people_never_narrow_an_interval(crowd, cells, rng):
    image, seed = cells
    judges = Judges.of(image, *crowd, CLASSES)
    pairs = rng.normal(size=(len(judges.cell), 40))
    values = np.stack([np.bincount(judges.cell, judges.share * column) for column in pairs.T], axis=1)
    crossing = Crossing(image, seed, judges={"vote": judges})
    assert (crossing.effects(values, judged=("vote", pairs)).se >= crossing.effects(values).se).all()


def test_sets_of_people_stand_in_the_place_of_seeds(rng):
    """Two seeds of a set have one draw of people: only sets are draws, however many seeds there are."""
    image, seed = np.tile(np.arange(50), 8), np.repeat(np.arange(8), 50)
    own = rng.normal(size=4)
    values = own[seed % 4][:, None]
    made = Crossing(image, seed, sets=seed % 4).effects(values)
    assert (made.df, made.seeds) == (3, 4)
    assert made.se[0, 0] == pytest.approx(own.std(ddof=1) / 2)


def test_two_way_clustering_over_images_and_sets(rng):
    image, seed = np.tile(np.arange(12), 8), np.repeat(np.arange(8), 12)
    values = rng.normal(size=12)[image] + rng.normal(size=4)[seed % 4] + 0.1 * rng.normal(size=96)
    made = Crossing(image, seed, sets=seed % 4).effects(values[:, None])
    influence = (values - values.mean()) / 96
    expected = by_inclusion_and_exclusion(influence, image, seed % 4)
    assert made.se[0, 0] ** 2 == pytest.approx(expected)


def test_one_set_says_nothing_of_other_people(rng):
    image, seed = np.tile(np.arange(12), 2), np.repeat([0, 4], 12)
    made = Crossing(image, seed, sets=seed % 4).effects(rng.normal(size=(24, 1)))
    assert made.images_only
