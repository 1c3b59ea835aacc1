"""Each control differs from its neighbour in one thing."""

import numpy as np
import pytest
from scipy.stats import entropy

from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise


def targets(name, evidence, seed=0, **options):
    return supervise(
        SOURCES.parse({"name": name, **options}), evidence, None, lambda purpose: stream(purpose, seed=seed)
    )[0]


@pytest.fixture(scope="module")
def people(evidence):
    """60 examples, 4 classes, 3 clients; no two soft labels are alike within a client and class."""
    rng = stream("people")
    votes = 1 + rng.multinomial(2_000, rng.dirichlet(np.ones(4), 60))
    return evidence(votes, rng.integers(0, 4, 60), rng.integers(0, 3, 60))


@pytest.fixture(scope="module")
def matched(people):
    return targets("human_soft_mode_matched", people)


def test_mass_only_keeps_the_mass_of_the_label_and_spreads_the_rest(evidence):
    two = evidence([[6, 3, 1, 0], [1, 7, 0, 2]], labels=[0, 3])
    np.testing.assert_allclose(
        targets("mass_only", two), [[0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3], [0.1, 0.1, 0.1, 0.7]]
    )


def test_entropy_only_keeps_the_entropy_and_the_label_on_top(people, matched):
    rows = targets("entropy_only", people)
    np.testing.assert_allclose(entropy(rows, axis=1), entropy(matched, axis=1), atol=1e-9)
    np.testing.assert_array_equal(rows.argmax(axis=1), people.labels)
    rest = np.sort(rows, axis=1)[:, :-1]
    np.testing.assert_allclose(rest, np.repeat(rest[:, :1], 3, axis=1), atol=1e-12)


def test_entropy_and_mass_agree_where_there_are_two_classes(evidence):
    two = evidence([[9, 1], [3, 7], [5, 0]], labels=[0, 1, 0])
    np.testing.assert_allclose(targets("entropy_only", two), two.soft, atol=1e-9)
    np.testing.assert_allclose(targets("mass_only", two), two.soft, atol=1e-9)


@pytest.mark.parametrize("across", ["client", "all"])
def test_shuffling_permutes_rows_of_one_label(across, people, matched):
    shuffled = targets("shuffled_mode_matched", people, across=across)
    where = (matched[:, None, :] == shuffled[None, :, :]).all(axis=-1)
    assert (where.sum(axis=0) == 1).all()
    assert (where.sum(axis=1) == 1).all()
    came_from = where.argmax(axis=0)
    np.testing.assert_array_equal(people.labels[came_from], people.labels)
    stayed_home = people.client[came_from] == people.client
    assert stayed_home.all() == (across == "client")
    assert (came_from != np.arange(60)).sum() > 30


def test_shuffling_is_uniform(evidence):
    """Four images of one label: each gets each soft label a quarter of the time."""
    four = evidence([[9, 1], [8, 2], [7, 3], [6, 4]], labels=[0] * 4)
    draws = np.stack([targets("shuffled_mode_matched", four, seed=seed)[:, 0] for seed in range(2_000)])
    for value in (0.9, 0.8, 0.7, 0.6):
        np.testing.assert_allclose((draws == value).mean(axis=0), 0.25, atol=5 * np.sqrt(0.25 * 0.75 / 2_000))


def test_class_mean_is_the_mean_of_all_images_of_a_label(evidence):
    four = evidence([[8, 2, 0], [2, 6, 2], [0, 3, 7], [5, 5, 0]], labels=[0, 0, 2, 2], client=[0, 1, 0, 1])
    # h': (.8 .2 0) and (.6 .2 .2); (0 .3 .7) and, the tie split either way, (.0 .5 .5) or (.5 .0 .5)
    rows = targets("human_class_mean", four)
    np.testing.assert_allclose(rows[:2], [[0.7, 0.2, 0.1]] * 2)
    assert rows[2].tolist() == rows[3].tolist()
    assert rows[2].tolist() in ([0.0, 0.4, 0.6], [0.25, 0.15, 0.6])


def test_smoothing_is_one_row_for_a_label_as_soft_as_people_on_average(people, matched):
    by_entropy, by_mass = (targets("smoothing", people, match=match) for match in ("entropy", "top_mass"))
    assert entropy(by_entropy[0]) == pytest.approx(entropy(matched, axis=1).mean(), abs=1e-9)
    assert by_mass.max(axis=1) == pytest.approx(matched.max(axis=1).mean())
    for rows in (by_entropy, by_mass):
        np.testing.assert_array_equal(rows.argmax(axis=1), people.labels)
        assert len(np.unique(np.sort(rows, axis=1).round(12), axis=0)) == 1


def test_smoothing_at_a_rate(evidence):
    one = evidence([[1, 0, 0, 0, 0]], labels=[1])
    np.testing.assert_allclose(targets("smoothing", one, rate=0.2), [[0.05, 0.8, 0.05, 0.05, 0.05]])
    np.testing.assert_allclose(targets("smoothing", one, rate=0), targets("hard", one))


@pytest.mark.parametrize(
    "name", ["mass_only", "entropy_only", "shuffled_mode_matched", "human_class_mean", "smoothing"]
)
def test_unanimous_people_leave_nothing_to_control(name, evidence):
    sure = evidence([[5, 0, 0], [0, 5, 0], [0, 5, 0]], labels=[0, 1, 2])
    np.testing.assert_allclose(targets(name, sure), targets("hard", sure), atol=1e-9)
