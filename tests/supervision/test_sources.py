"""What holds for every registered label source."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.privacy import RandomizedResponse
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence, onehot, supervise

REQUIRED = {"votes_k": {"k": 3}, "human_soft_denoised": {"slip_rate": 0.05}}
VARIANTS = [
    {"name": "smoothing", "match": "top_mass"},
    {"name": "smoothing", "rate": 0.1},
    {"name": "shuffled_mode_matched", "across": "all"},
    {"name": "teacher", "match": "top_mass"},
    {"name": "teacher", "match": None},
    {"name": "teacher", "own": "clip"},
    {"name": "teacher", "mode_matched": True},
    {"name": "human_soft_denoised", "unambiguous_share": 0.5},
]
ALL = [SOURCES.parse({"name": name, **REQUIRED.get(name, {})}) for name in SOURCES.names()]
ALL += [SOURCES.parse(variant) for variant in VARIANTS]
DRAWN = {"votes_k", "shuffled_mode_matched"}
"""Sources whose targets are drawn; without ties, all others are functions of the evidence."""


def each(wanted=lambda source: True):
    """Parametrize over the sources for which something holds."""
    some = [source for source in ALL if wanted(source)]
    return pytest.mark.parametrize("source", some, ids=lambda source: source.label())


def named(purpose, seed=0):
    return stream(purpose, seed=seed)


@pytest.fixture(scope="module")
def examples(evidence) -> Evidence:
    """300 examples of 4 classes held by 3 clients, with votes that disagree with the label now and then."""
    rng = stream("examples")
    labels = rng.integers(0, 4, 300)
    seen = 0.7 * onehot(labels, 4) + 0.3 * rng.dirichlet(np.ones(4), 300)
    votes = rng.multinomial(11, seen) + rng.permuted(np.tile([0, 1, 2, 3], (300, 1)), axis=1)
    tied = np.sort(votes, axis=1)[:, -1] == np.sort(votes, axis=1)[:, -2]
    predictions = rng.dirichlet(np.ones(4), 300) * 0.5 + 0.5 * onehot(labels, 4)
    whole = evidence(votes, labels, rng.integers(0, 3, 300), predictions=predictions)
    answers = np.stack([rng.permutation(np.repeat(np.arange(4), row)) for row in votes])  # 17 people's
    item, annotator = np.indices(answers.shape).reshape(2, -1)
    return replace(whole, annotations=Annotations(item, annotator, answers.ravel())).subset(
        np.flatnonzero(~tied)
    )


@each()
def test_targets_are_distributions(source, examples):
    targets, _ = supervise(source, examples, None, named)
    assert targets.shape == (len(examples), 4)
    assert targets.min() >= 0
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-12)


@each()
def test_targets_depend_on_the_streams_only(source, examples):
    first, second = (supervise(source, examples, None, named)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = supervise(source, examples, None, lambda purpose: named(purpose, seed=1))[0]
    assert np.array_equal(first, other) == (source.name not in DRAWN)


@each(lambda source: source.name not in DRAWN)
def test_targets_follow_their_examples(source, examples):
    order = stream("order").permutation(len(examples))
    there = supervise(source, examples, None, named)[0]
    moved = supervise(source, examples.subset(order), None, named)[0]
    np.testing.assert_allclose(moved, there[order], atol=1e-9)


@each()
def test_answers_bought_are_counts_of_people_or_nothing(source, examples):
    _, answers = supervise(source, examples, None, named)
    if source.label() in ("smoothing(rate=0.1)", "teacher(match=none)"):
        assert answers is None
    elif source.name == "hard":
        np.testing.assert_array_equal(answers, onehot(examples.labels, 4))
    elif source.name == "votes_k":
        assert (answers.sum(axis=1) == source.k).all()
        assert (answers <= examples.votes).all()
    else:
        np.testing.assert_array_equal(answers, examples.votes)


@each()
def test_a_source_borrows_a_rate_if_it_does_not_matter_whose_votes_are_whose(source, examples):
    order = np.arange(len(examples))
    order[:40] = np.roll(order[:40], 1)
    moved = replace(
        examples.subset(order),
        labels=examples.labels,
        client=examples.client,
        predictions=examples.predictions,
    )
    targets = [supervise(source, evidence, None, named)[0] for evidence in (examples, moved)]
    if source.borrows_rate or not source.needs_votes:
        np.testing.assert_allclose(*targets, atol=1e-6)
        softer = replace(examples, votes=examples.votes + 5)
        changed = np.abs(supervise(source, softer, None, named)[0] - targets[0]).max()
        assert (changed > 0.01) == source.borrows_rate
    else:
        assert np.abs(targets[0] - targets[1]).max() > 0.01


@each()
def test_missing_votes_are_told(source, examples):
    blind = replace(examples, votes=None, soft=None)
    if not source.needs_votes:
        assert len(supervise(source, blind, None, named)[0]) == len(examples)
    else:
        words = rf"label source '{source.name}' needs votes, and {len(examples)} of {len(examples)} examples"
        with pytest.raises(DataError, match=words):
            supervise(source, blind, None, named)


@each()
def test_an_example_without_votes_trains_on_its_label(source, examples):
    votes = examples.votes.copy()
    votes[[3, 7]] = 0
    some = replace(examples, votes=votes)
    voted = votes.sum(axis=1) > 0
    targets, bought = supervise(source, some, None, named)
    if source.needs_votes:
        np.testing.assert_array_equal(targets[~voted], onehot(examples.labels, examples.classes)[~voted])
        alone, their = supervise(source, some.subset(np.flatnonzero(voted)), None, named)
        np.testing.assert_array_equal(targets[voted], alone)
        np.testing.assert_array_equal(bought[voted], their)
        assert not bought[~voted].any()


@each()
def test_missing_predictions_are_told(source, examples):
    partly = examples.predictions.copy()
    partly[5] = np.nan
    for predictions, lacking in ((None, len(examples)), (partly, 1)):
        without = replace(examples, predictions=predictions)
        own = source.name == "teacher" and source.own  # whose labels stand in
        if not source.needs_predictions or (own and predictions is not None):
            supervise(source, without, None, named)
        else:
            with pytest.raises(DataError, match=rf"'{source.name}' needs predictions, and {lacking} of"):
                supervise(source, without, None, named)


@each()
def test_private_answers_make_distributions_or_are_refused(source, examples):
    privacy = RandomizedResponse(epsilon=1.0)
    if not source.needs_votes and source.name != "hard":
        with pytest.raises(DataError, match=rf"'{source.name}' is not made of answers"):
            supervise(source, examples, privacy, named)
    elif source.sees_labels:
        with pytest.raises(DataError, match=rf"'{source.name}' sees each example's label in the clear"):
            supervise(source, examples, privacy, named)
    elif source.models_votes:
        with pytest.raises(DataError, match=rf"'{source.name}' models people's votes"):
            supervise(source, examples, privacy, named)
    elif source.delivery == "multipass":
        with pytest.raises(DataError, match=rf"'{source.name}' hands out the votes themselves"):
            supervise(source, examples, privacy, named)
    else:
        targets, answers = supervise(source, examples, privacy, named)
        assert targets.min() >= 0
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-9)
        np.testing.assert_array_equal(answers, supervise(source, examples, None, named)[1])


PRIVATE = each(
    lambda source: (
        (source.needs_votes or source.name == "hard")
        and not source.models_votes
        and not source.sees_labels
        and source.delivery != "multipass"
    )
)


@PRIVATE
def test_unprojected_private_targets_are_for_linear_sources(source, examples):
    privacy = RandomizedResponse(epsilon=1.0, project=False)
    if source.linear:
        targets = supervise(source, examples, privacy, named)[0]
        assert targets.min() < 0
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-9)
    else:
        with pytest.raises(DataError, match=rf"'{source.name}' needs distributions.*project = true"):
            supervise(source, examples, privacy, named)


@PRIVATE
def test_infinite_epsilon_is_no_privacy(source, examples):
    private = supervise(source, examples, RandomizedResponse(epsilon=np.inf), named)[0]
    np.testing.assert_allclose(private, supervise(source, examples, None, named)[0], atol=1e-9)


@each(lambda source: source.linear)
def test_unprojected_private_targets_are_unbiased(source, evidence):
    many = evidence([[5, 1, 0]] * 40_000, [1] * 40_000)
    privacy = RandomizedResponse(epsilon=1.0, project=False)
    mean = supervise(source, many, privacy, named)[0].mean(axis=0)
    expected = [0, 1, 0] if source.name == "hard" else [5 / 6, 1 / 6, 0]
    truth, lie = np.e / (np.e + 2), 1 / (np.e + 2)
    deviation = 0.5 / (truth - lie)  # at most, of one unbiased answer
    np.testing.assert_allclose(mean, expected, atol=5 * deviation / np.sqrt(40_000))
