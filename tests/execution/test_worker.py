"""A worker that has neither the study's folder nor its data computes the same, from values to values."""

import os

import numpy as np
import pytest

from fedsoft.errors import StoreError
from fedsoft.execution import worker
from fedsoft.execution.run import Interrupted
from fedsoft.execution.worker import Needed, Post, WorkerStore, work
from fedsoft.study import data as study_data
from fedsoft.study.opened import open_study
from fedsoft.study.store import Store
from fedsoft.supervision import SOURCES

STUDY = {
    "name": "away",
    "sources": ["hard", "stochastic", "teacher"],
    "rivals": [{"source": "hard", "members": 2, "calibration": {"name": "vector_scaling", "on": "vote"}}],
    "strategies": ["fedavg", "fedadam"],
    "model": {"name": "mlp", "hidden": [8]},
    "rounds": 3,
    "seeds": [0],
    "training": {"mixup": 0.2, "augment": "crops_and_flips"},
    "cartography": True,
    "scenario": {"clients": 3, "partition": {"name": "dirichlet", "alpha": 0.5}},
}


@pytest.fixture
def study(tmp_path):
    """A study on data in a file: colourless images, votes."""
    rng = np.random.Generator(np.random.PCG64(0))
    labels = np.arange(150) % 3
    images = rng.integers(0, 256, (150, 4, 4, 1), dtype=np.uint8)
    votes = np.eye(3, dtype=np.int64)[labels] * 3 + rng.integers(0, 3, (150, 3))
    np.savez(tmp_path / "data.npz", images=images, labels=labels, votes=votes)
    return STUDY | {"dataset": {"name": "npz", "path": str(tmp_path / "data.npz")}}


@pytest.fixture
def away(tmp_path, monkeypatch):
    """Sends every phase of a study to a worker, whose data files are gone, and writes its news."""
    monkeypatch.setattr(study_data, "_given", {})
    monkeypatch.setattr(worker, "SECONDS_BETWEEN_NEWS", 0.0)

    def run(opened, stop_after=float("inf")):
        data, file = study_data.load_dataset(opened.plan.study.dataset), tmp_path / "data.npz"
        for array in (data.inputs, data.labels, data.votes):
            array.flags.writeable = False  # as in shared memory
        rounds = []

        def leave(news):
            for what, arguments in news:
                if what == "after_round":
                    rounds.append(arguments)
                elif what != "begins":
                    getattr(opened.store, what)(*arguments)
            return len(rounds) >= stop_after

        phases, store = opened.plan.open(opened.store), opened.store
        study_data.give_dataset(opened.plan.study.dataset, data)
        study_data._load.cache_clear()
        hidden = file.rename(tmp_path / "hidden.npz")
        try:
            for runs in phases:
                needs = {need.key for one in runs for need in one.needs()}
                needed = {key: Needed(store.record(key), store.predictions(key)) for key in needs}
                saved = {one.key: kept for one in runs if (kept := store.checkpoint(one.key))}
                if problem := work(runs, needed, saved, "cpu", 1, leave):
                    return problem, rounds
        finally:
            hidden.rename(file)
        return None, rounds

    return run


def contents(folder):
    """All that a study's runs left, but how long they took and where they lay."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.glob("runs/*/*"))
        if path.name not in ("run.json", "settings.json")
    }


def test_the_same_bits_without_files(study, tmp_path, run, away):
    here = run(open_study(study, "away.toml", tmp_path / "here"), stack=1)
    there = open_study(study, "away.toml", tmp_path / "there")
    problem, rounds = away(there)
    assert problem is None
    assert not there.open_runs
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert len(contents(tmp_path / "here")) == 3 * (2 + 2 * (3 + 3))
    assert len(rounds) == (2 + 2 * 4) * 3 + 2 * 2  # a derived run has one round
    for one in here.plan.runs:
        kept, made = here.store.record(one.key), there.store.record(one.key)
        assert {**kept, "seconds": 0} == {**made, "seconds": 0}


def test_stopped_and_continued_elsewhere(study, tmp_path, run, away):
    run(open_study(study, "away.toml", tmp_path / "here"), stack=1)
    there, stopped, seen = open_study(study, "away.toml", tmp_path / "there"), 0, []
    for _ in range(20):
        problem, rounds = away(there, stop_after=4)
        stopped += isinstance(problem, Interrupted)
        seen += [(one.key, figures["round"]) for one, figures in rounds]
    assert stopped > 2
    assert not there.open_runs
    assert len(seen) == len(set(seen))  # no round was made twice
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_a_worker_asked_to_stop_begins_nothing(study, tmp_path, away):
    problem, rounds = away(open_study(study, "away.toml", tmp_path / "there"), stop_after=0)
    assert isinstance(problem, Interrupted)
    assert not rounds
    assert not contents(tmp_path / "there")


def test_a_worker_computes_on_one_thread(monkeypatch):
    asked = []
    monkeypatch.setattr(worker.torch, "set_num_threads", asked.append)
    assert work([], {}, {}, "cpu", "all", lambda news: False) is None
    assert asked == [1]


def test_a_run_that_cannot_be_done_is_news(study, tmp_path, away):
    opened = open_study(study, "away.toml", tmp_path / "there")
    bad = opened.plan.runs[0].model_copy(update={"source": SOURCES.parse({"name": "votes_k", "k": 99})})
    news = []
    assert work([bad], {}, {}, "cpu", "all", lambda some: bool(news.extend(some))) is None
    assert [what for what, _ in news] == ["begins", "save_settings", "fail", "failed"]
    key, failure = news[2][1]
    assert key == bad.key
    assert failure["label"] == "votes_k(k=99), fedavg, seed 0"
    assert failure["message"].startswith("label source 'votes_k(k=99)' wants 99 votes an example")


def test_what_a_run_needs_may_have_failed(study, tmp_path, away):
    opened = open_study(study, "away.toml", tmp_path / "there")
    teacher = next(run for run in opened.plan.runs if run.teachers())
    news = []
    assert work([teacher], {}, {}, "cpu", "all", lambda some: bool(news.extend(some))) is None
    assert news[2][1][1]["message"].startswith("it needs a run that failed: teacher half 0, fedavg, seed 0")


def test_a_workers_store_touches_no_file(tmp_path):
    store = WorkerStore(root=Store(tmp_path).root / os.devnull, needed={}, checkpoints={}, post=Post(len))
    assert not store.is_done("x")
    assert store.checkpoint("x") is None
    with pytest.raises(StoreError):
        store.rounds("x")


def test_news_is_sent_now_and_then_and_in_order():
    left = []
    post = Post(lambda news: bool(left.append(list(news))))
    assert not post.stop()
    for number in range(5):
        post.say("number", number)
        assert not post.stop()
    post.send()
    assert left == [[], [("number", (number,)) for number in range(5)]]
