"""The control of label privacy is what the noise does on average, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.privacy import Answers, RandomizedResponse
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, supervise
from fedsoft.supervision.softness import mean_softness, measure_softness

COPIES = 40_000
LINEAR = [{"name": "hard"}, {"name": "human_soft"}, {"name": "votes_k", "k": 3}]


def named(purpose):
    return stream(purpose)


def control_of(source):
    return SOURCES.parse({"name": "noise_matched", "of": source})


@pytest.fixture
def many(evidence):
    """As many copies of one example with nine votes."""
    return evidence([[5, 3, 1]] * COPIES, [1] * COPIES)


@pytest.mark.parametrize("unit", ["vote", "image"])
@pytest.mark.parametrize("source", LINEAR, ids=lambda source: source["name"])
def test_it_is_the_mean_of_private_targets_that_are_not_corrected(source, unit, many):
    privacy = RandomizedResponse(epsilon=1.5, unit=unit)
    drawn = SOURCES.parse(source)
    of = measured(drawn, many, privacy)
    control = supervise(control_of(source), many, privacy, named)[0]
    np.testing.assert_allclose(of["uncorrected"].mean(axis=0), control.mean(axis=0), atol=5 * 0.5 / 200)
    np.testing.assert_allclose(of["corrected"].mean(axis=0), of["clear"].mean(axis=0), atol=0.08)
    assert np.abs(control.mean(axis=0) - of["clear"].mean(axis=0)).max() > 0.1


def measured(source, evidence, privacy):
    """Targets by stage, from the mechanism's parts."""
    answers = source.answers(evidence, named("votes bought"))
    told = Answers(answers, evidence.client)
    soft = {
        "clear": answers / answers.sum(axis=1, keepdims=True),
        "uncorrected": privacy.uncorrected(told, named("randomized response")),
        "corrected": privacy.release(told, named("randomized response")),
    }
    return {
        stage: source.targets(replace(evidence, soft=rows), named("targets")) for stage, rows in soft.items()
    }


def test_by_hand(evidence):
    """Of four classes at ε = ln 5, γ = 4 / 8: half of the target is spread evenly."""
    two = evidence([[3, 1, 0, 0], [0, 0, 0, 4]], labels=[0, 3])
    targets, answers = supervise(control_of("human_soft"), two, RandomizedResponse(epsilon=np.log(5)), named)
    np.testing.assert_allclose(targets, [[0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.125, 0.625]])
    np.testing.assert_array_equal(answers, two.votes)
    mode = supervise(control_of("human_hard"), two, RandomizedResponse(epsilon=np.log(5)), named)[0]
    np.testing.assert_allclose(mode[0], [0.625, 0.125, 0.125, 0.125])


@pytest.mark.parametrize("name", ["hard", "human_soft", "stochastic"])
def test_without_noise_it_is_its_source(name, evidence):
    three = evidence([[7, 2, 1], [1, 6, 3], [0, 4, 6]], labels=[0, 2, 0])
    plain = supervise(SOURCES.parse(name), three, None, named)[0]
    for privacy in (None, RandomizedResponse(epsilon=np.inf)):
        np.testing.assert_array_equal(supervise(control_of(name), three, privacy, named)[0], plain)


def test_it_buys_and_is_delivered_as_its_source():
    for of in ("hard", "human_soft", "stochastic", "multipass"):
        source, control = SOURCES.parse(of), control_of(of)
        for name in ("delivery", "needs_votes", "borrows_rate"):
            assert getattr(control, name) == getattr(source, name)
    assert control_of({"name": "votes_k", "k": 3}).label() == "smoothing as private votes_k(k=3)"


def test_softness_stage_by_stage(evidence):
    """One example of two votes, told apart: by hand, whatever is drawn."""
    two = evidence([[2, 0], [1, 1]], labels=[0, 0])
    source, privacy = SOURCES.parse("human_soft"), RandomizedResponse(epsilon=np.log(3))
    found = measure_softness(source, two, privacy, named)
    rows = measured(source, two, privacy)
    told = rows["uncorrected"]
    np.testing.assert_allclose(rows["corrected"], (told - 1 / 4) / (1 / 2))  # γ = 2 / 4
    assert found["clear"]["entropy"] == pytest.approx(np.log(2) / 2)
    assert found["clear"]["top_mass"] == pytest.approx(0.75)
    assert found["uncorrected"]["top_mass"] == pytest.approx(told.max(axis=1).mean())
    assert found["uncorrected"]["dose"] == pytest.approx(np.abs(told - rows["clear"])[:, 0].mean())
    assert set(found["corrected"]) == {"dose"}  # -1/2 and 3/2 have no entropy
    assert found["corrected"]["dose"] == pytest.approx(np.abs(rows["corrected"] - rows["clear"])[:, 0].mean())
    trained = supervise(source, two, privacy, named)[0]
    np.testing.assert_allclose(trained, project_to_simplex(rows["corrected"]))
    assert found["trained"]["dose"] == pytest.approx(np.abs(trained - rows["clear"])[:, 0].mean())


def test_what_is_not_linear_has_no_target_before_projection(evidence):
    two = evidence([[2, 0], [0, 3]], labels=[0, 0])
    found = measure_softness(SOURCES.parse("human_hard"), two, RandomizedResponse(epsilon=1.0), named)
    assert set(found) == {"clear", "uncorrected", "trained"}


def test_means_over_parts_go_by_weight_and_leave_out_what_some_part_lacks():
    parts = [
        ({"clear": {"dose": 0.0, "entropy": 1.0}, "corrected": {"dose": 2.0}}, 1),
        ({}, 5),
        ({"clear": {"dose": 0.0, "entropy": 2.0}, "corrected": {"dose": 6.0, "entropy": 0.1}}, 3),
    ]
    assert mean_softness(parts) == {"clear": {"dose": 0, "entropy": 1.75}, "corrected": {"dose": 5.0}}
    assert mean_softness([({}, 1)]) == mean_softness([]) == {}
