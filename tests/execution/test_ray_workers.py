"""Runs on Ray workers: the same bits as in process, whatever is lost on the way."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from fedsoft.errors import EngineError
from fedsoft.execution import ray_cluster, ray_workers
from fedsoft.execution.ray_cluster import at_once, find_cluster, task_options
from fedsoft.execution.ray_workers import ATTEMPTS, Group, RayWorkers, _fetch, what_is_left
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.opened import open_study
from fedsoft.supervision import SOURCES

LONG = {
    "name": "long",
    "dataset": "digits",
    "sources": ["hard", "human_soft"],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [16]},
    "rounds": 1500,
    "seeds": [0, 1],
    "scenario": {"clients": 4},
}


@pytest.fixture(scope="module")
def cluster():
    """Three Ray nodes on this machine: the head without cores, and two workers of one core each."""
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    made.workers = [made.add_node(num_cpus=1), made.add_node(num_cpus=1)]
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_ray_of_our_own_gives_the_same_bits(tiny, finished, tmp_path, models):
    study, rounds = open_study(tiny, "tiny.toml", tmp_path), []
    hooks = Hooks(lambda run, figures: rounds.append((run.key, figures["round"])))
    RayWorkers(study.store, "cpu", stack=1, cpus=2).run(study.plan.open(study.store), hooks)
    assert not study.open_runs
    assert models(tmp_path) == models(finished.store.root)
    assert len(rounds) == len(set(rounds)) == 20 * 3
    assert not ray.is_initialized()


class Slow:
    """An actor that takes its time."""

    def answer(self):
        time.sleep(1.0)


@pytest.mark.slow
def test_a_core_has_one_worker_with_one_thread(monkeypatch):
    """Also while the worker waits for an answer."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")

    def task(slow):
        _fetch(slow.answer.remote())
        return os.getpid(), os.environ["OMP_NUM_THREADS"], os.environ["MKL_NUM_THREADS"]

    with ray_cluster.ray_cluster(None, cpus=1):
        slow, remote = ray.remote(num_cpus=0)(Slow).remote(), ray.remote(num_cpus=1)(task)
        answers = ray.get([remote.remote(slow) for _ in range(3)])
    assert len({worker for worker, _, _ in answers}) == 1
    assert {threads for _, *both in answers for threads in both} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"


@pytest.mark.slow
def test_a_model_of_the_users_own_travels_along(tmp_path, cluster, run, models, monkeypatch):
    shutil.copy(Path(__file__).parents[1] / "nets.py", tmp_path / "mine.py")
    monkeypatch.chdir(tmp_path)  # the cluster was started elsewhere
    table = {**LONG, "model": {"name": "module", "factory": "mine.py:perceptron"}, "rounds": 2}
    here, there = (open_study(table, "mine.toml", tmp_path / name) for name in ("here", "there"))
    run(here, stack=1)
    RayWorkers(there.store, "cpu", 1, cluster.address).run(there.plan.open(there.store), Hooks())
    assert models(tmp_path / "there") == models(tmp_path / "here")


@pytest.mark.slow
def test_a_run_that_cannot_be_done_is_named_and_the_others_go_on(tmp_path, cluster):
    study, failed = open_study({**LONG, "rounds": 2}, "long.toml", tmp_path), []
    good = study.plan.runs[0]
    bad = good.model_copy(update={"source": SOURCES.parse({"name": "votes_k", "k": 99})})
    hooks = Hooks(failed=lambda run: failed.append(run.key))
    RayWorkers(study.store, "cpu", "all", cluster.address).run([[bad, good]], hooks)
    assert failed == [bad.key]
    assert study.store.is_done(good.key)
    assert "wants 99 votes an example" in study.store.failure(bad.key)["message"]


@pytest.mark.slow
def test_stopped_and_continued_and_a_node_killed_half_way(tmp_path, run, models, cluster, monkeypatch):
    """News is sent every half second, and runs are long enough to be stopped or lost within."""
    run(open_study(LONG, "long.toml", tmp_path / "here"))
    there, seen, lost = open_study(LONG, "long.toml", tmp_path / "there"), set(), []
    engine = RayWorkers(there.store, "cpu", "all", cluster.address)
    with pytest.raises(Interrupted):
        engine.run(there.plan.open(there.store), Hooks(lambda run, _: seen.add(run.key), lambda: bool(seen)))
    assert list((tmp_path / "there").glob("runs/*/checkpoint.npz"))
    assert len(list((tmp_path / "there").glob("runs/*"))) <= 2  # nobody began another run

    rounds, victims = [], cluster.workers[:1]

    def kill_one(settings, figures):
        rounds.append((settings.key, figures["round"]))
        if len({key for key, _ in rounds}) == 2 and victims:
            cluster.workers.remove(victims[0])
            cluster.remove_node(victims.pop(), allow_graceful=False)

    def spy(group, *rest):
        if left := what_is_left(group, *rest):
            lost.append(left)
        return left

    monkeypatch.setattr(ray_workers, "what_is_left", spy)
    engine.run(there.plan.open(there.store), Hooks(kill_one))
    assert {group.lost for group in lost} == {1}
    assert not there.open_runs
    assert models(tmp_path / "there") == models(tmp_path / "here")
    assert len(rounds) == len(set(rounds))
    assert len(rounds) < 4 * LONG["rounds"]  # what was stopped went on from its checkpoint


@pytest.mark.slow
def test_a_cluster_that_lost_all_its_nodes(tmp_path, cluster, monkeypatch):
    def kill_all(settings, figures):
        while cluster.workers:
            cluster.remove_node(cluster.workers.pop(), allow_graceful=False)

    monkeypatch.setattr(ray_workers, "SECONDS_WITHOUT_CORES", 1.0)
    study = open_study(LONG, "long.toml", tmp_path)
    with pytest.raises(EngineError, match=r"^the Ray cluster has no cores, or has lost all"):
        RayWorkers(study.store, "cpu", "all", cluster.address).run(study.plan.phases, Hooks(kill_all))


def test_what_is_left_of_a_group_is_begun_again_a_few_times(finished, tmp_path, tiny):
    runs = open_study(tiny, "tiny.toml", tmp_path).plan.runs
    assert what_is_left(Group(runs[:2], 8), finished.store, (), "") is None
    empty = open_study(tiny, "tiny.toml", tmp_path).store
    assert what_is_left(Group(runs[:2], 8), empty, [runs[0].key, runs[1].key], "") is None
    left = Group(runs[:2], 8)
    for attempt in range(1, ATTEMPTS):
        left = what_is_left(left, empty, [runs[2].key], "")
        assert left == Group(runs[:2], 8, lost=attempt)
    with pytest.raises(
        EngineError, match=r"^hard, fedavg, seed 0: 4 Ray workers were lost .* node died; run"
    ):
        what_is_left(left, empty, (), "the node died")


@pytest.mark.parametrize(
    ("device", "resources", "share", "workers"),
    [
        ("cpu", {"CPU": 6.0, "GPU": 2.0}, 0, 6),
        ("cpu", {}, 0, 1),
        ("cuda", {"CPU": 6.0, "GPU": 2.0}, 0.3333, 6),
        ("cuda", {"CPU": 2.0, "GPU": 4.0}, 1, 2),
        ("cuda", {"CPU": 64.0, "GPU": 1.0}, 0.125, 8),
    ],
)
def test_runs_share_gpus_so_that_all_cores_are_used(device, resources, share, workers):
    options = task_options(device, resources)
    assert options == {"num_cpus": 1, "num_gpus": share, "max_retries": 0, "max_calls": 0}
    assert at_once(options, resources) == workers


def test_no_gpu_in_the_cluster():
    with pytest.raises(EngineError, match="the Ray cluster has no GPU"):
        task_options("cuda", {"CPU": 2.0})


def test_an_address_where_no_ray_answers_is_told_at_once(monkeypatch):
    monkeypatch.setattr(ray_cluster, "SECONDS_TO_ANSWER", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(EngineError, match=rf"^no Ray cluster answers at {address}; start one with"):
            find_cluster(address)
        silent.listen()  # something else, which does not speak as Ray does
        with pytest.raises(EngineError, match="no Ray cluster answers"):
            find_cluster(address)
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("address", ["here", "ray://here:1", "here:", ":6379", "here:port"])
def test_what_is_no_address(address):
    with pytest.raises(EngineError, match='takes "auto" or HOST:PORT'):
        find_cluster(address)


def test_one_run_is_left_or_ray_is_not_asked_for(tiny, tmp_path):
    """Then Ray is not even imported."""
    code = """
import json, sys
from pathlib import Path
from fedsoft.execution.conduct import run_study
from fedsoft.study.opened import open_study
table, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
quiet = (lambda run, figures: None, lambda: False)
run_study(open_study(table, "tiny.toml", folder), "inprocess", 1, *quiet)
table["seeds"] = [1, 0]
run_study(open_study(table, "tiny.toml", folder), "inprocess", "ray", *quiet)
assert "fedsoft.execution.processes" in sys.modules
assert "ray" not in sys.modules
"""
    table = json.dumps(tiny | {"sources": ["hard"], "strategies": ["fedavg"], "seeds": [0]})
    subprocess.run([sys.executable, "-c", code, table, str(tmp_path)], check=True)
    assert len(list(tmp_path.glob("runs/*/run.json"))) == 2
