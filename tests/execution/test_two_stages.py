"""Label privacy in two stages: a first model's predictions are the prior that other answers are told by."""

import contextlib

import numpy as np
import pytest

from fedsoft.execution.ray_engine import Ray
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.privacy.labels.prior import likely
from fedsoft.privacy.labels.randomized_response import unbias
from fedsoft.privacy.labels.simplex import project_to_simplex
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.study.targets import prior_predictions

EPSILON = 2.0


@pytest.fixture
def private(tiny):
    """A tiny study with a prior: two sources, two strategies, one seed, votes bought and drawn."""
    return tiny | {
        "sources": ["human_soft", {"name": "votes_k", "k": 3}, "hard"],
        "seeds": [0],
        "privacy": {"labels": {"name": "rr_with_prior", "epsilon": EPSILON}},
    }


def test_each_answer_is_asked_once(private, tmp_path, run):
    private |= {"rounds": 8, "training": {"lr": 0.5}}
    study = run(open_study(private, "tiny.toml", tmp_path))
    for one in study.plan.runs:
        if one.source.in_the_clear:  # a control asks nobody
            assert not one.priors()
            continue
        (first,) = one.priors()
        before, ready = (prepare(some, study.store, "cpu") for some in (first, one))
        rows, place = ready.task.train.rows, np.flatnonzero(np.isin(ready.task.train.rows, before.held_out))
        rest = np.setdiff1d(np.arange(len(rows)), place)
        np.testing.assert_array_equal(rows[rest], before.task.train.rows)
        # The first half's answers are the same draws, which the first stage corrected.
        private_shares = ready.targets[rest]
        again = project_to_simplex(unbias(private_shares, EPSILON))
        np.testing.assert_allclose(again, before.targets, atol=1e-9)
        assert ready.privacy_spent["epsilon_per_vote_max"] == EPSILON
        assert 2 * before.votes_bought == pytest.approx(ready.votes_bought, rel=0.03)
        assert set(study.store.predictions(first.key)["held_out_rows"]) == set(rows[place])
        sizes = before.task.train.sizes
        assert (abs(2 * sizes - ready.task.train.sizes) <= 1).all()  # half of each client's
        # Answers to the other half are told among the classes that the first model holds likely.
        prior = prior_predictions(one, study.store)[rows[place]]
        order, k = likely(prior, np.full(len(prior), EPSILON))
        assert k.min() < 8
        left_out = np.take_along_axis(ready.targets[place], order, axis=1) * (
            np.arange(10) >= k[:, np.newaxis]
        )
        assert left_out.max() < 1e-12


def test_strategies_rivals_and_redrawn_training_share_the_first_stage(private, tmp_path):
    private |= {
        "sources": ["hard"],
        "rivals": [{"source": "hard", "training": {"lr": 0.3}}, {"source": "hard", "members": 2}],
        "grid": {"privacy.labels.epsilon": [1.0, float("inf")]},
    }
    study = open_study(private, "tiny.toml", tmp_path)
    assert [one.role for one in study.plan.phases[0]] == ["prior"]
    assert study.plan.phases[0][0].label() == "prior of hard, fedavg, seed 0"
    assert "and 0 teachers and 1 prior;" in study.summary()
    other = open_study(private | {"redraw": {"votes": 1}}, "tiny.toml", tmp_path)
    assert other.plan.phases[0][0].key != study.plan.phases[0][0].key
    assert "privacy" not in study.plan.runs[-1].model_dump(exclude_none=True)


def test_stopped_at_any_round_and_continued(private, tmp_path, run, models):
    private["sources"] = ["hard"]
    whole, stopped = run(open_study(private, "tiny.toml", tmp_path / "whole"), stack=1), 0
    for _ in range(20):
        study, seen = open_study(private, "tiny.toml", tmp_path / "parts"), []
        hooks = Hooks(lambda settings, figures, seen=seen: seen.append(1), lambda seen=seen: len(seen) >= 2)
        with contextlib.suppress(Interrupted):
            run(study, stack=1, hooks=hooks)
            break
        stopped += 1
    assert stopped > 2
    assert models(tmp_path / "parts") == models(whole.store.root)
    assert len(models(whole.store.root)) == 2 * 2 + 1  # under two strategies, with the control; the prior


def test_a_first_stage_that_failed_is_told(private, tmp_path):
    private |= {"sources": ["hard"], "strategies": ["fedavg"]}
    study = open_study(private, "tiny.toml", tmp_path)
    with pytest.raises(Exception, match="the prior of this run has not run: prior of hard, fedavg, seed 0"):
        prepare(study.plan.runs[0], study.store, "cpu")


@pytest.mark.slow
def test_ray_gives_the_same_bits(private, tmp_path, run, models):
    private["sources"] = ["hard", "human_soft"]
    run(open_study(private, "tiny.toml", tmp_path / "here"), stack=1)
    on_ray = open_study(private, "tiny.toml", tmp_path / "ray")
    Ray(on_ray.store, "cpu", workers=2).run(on_ray.plan.open(on_ray.store), Hooks())
    assert models(tmp_path / "ray") == models(tmp_path / "here")
