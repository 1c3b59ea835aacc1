"""Redraws: one part of a seed's chance drawn anew, the others as they were."""

import pytest

from fedsoft.config import Redraw
from fedsoft.streams import stream
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare

PARTS = ("training", "partition", "votes")


def drawn(study, source: str, **redraw: int) -> dict[str, bytes]:
    """What chance decides for one run, by the part that it belongs to."""
    run = next(run for run in study.plan.runs if run.source.label() == source)
    ready = prepare(run.model_copy(update={"redraw": Redraw(**redraw)}), study.store, "cpu")
    task, dealt = ready.task, ready.deal
    delivered = [task.delivered(client, 1).tobytes() for client in range(4) if task.delivery]
    start = task.initial()["layer0.weight"]
    return {
        "training": start.tobytes() + str([task.cohort(r) for r in range(1, 6)]).encode(),
        "partition": b"".join(part.rows.tobytes() for part in (dealt.train, dealt.validation, dealt.test)),
        "votes": ready.targets.tobytes(),
        "delivery": b"".join(delivered),
    }


@pytest.fixture
def study(tiny, tmp_path):
    tiny["sources"] = [{"name": "votes_k", "k": 2}, "multipass", "stochastic"]
    tiny["scenario"] = {"clients": 4, "participation": 0.5, "votes": 9}
    return open_study(tiny, "tiny.toml", tmp_path)


@pytest.mark.parametrize("part", ["training", "votes"])
def test_a_redraw_changes_its_part_alone(study, part):
    usual, anew, again = (drawn(study, "votes_k(k=2)", **{part: number}) for number in (0, 1, 2))
    for other in PARTS:
        assert (usual[other] == anew[other]) == (other != part)
        assert (anew[other] == again[other]) == (other != part)


def test_another_partition_leaves_the_training_seed(study):
    usual, anew = (drawn(study, "votes_k(k=2)", partition=number) for number in (0, 1))
    assert usual["partition"] != anew["partition"]
    assert usual["training"] == anew["training"]


@pytest.mark.parametrize("source", ["multipass", "stochastic"])
def test_delivery_belongs_to_training(study, source):
    usual, anew = (drawn(study, source, training=number) for number in (0, 1))
    assert usual["delivery"] != anew["delivery"]
    assert usual["votes"] == anew["votes"]


def test_zero_is_the_seeds_own_draw_and_key(tiny, tmp_path):
    keys = [run.key for run in open_study(tiny, "tiny.toml", tmp_path).plan.runs]
    tiny["redraw"] = {"training": 0, "votes": 0}
    runs = open_study(tiny, "tiny.toml", tmp_path).plan.runs
    assert [run.key for run in runs] == keys
    assert [run.training_seed for run in runs] == [run.seed for run in runs]
    own, same = runs[0].stream("votes", "purpose", party=1), stream("purpose", seed=0, party=1)
    assert own.random() == same.random()


def test_redraws_may_be_a_grid(tiny, tmp_path):
    tiny |= {"sources": ["hard", "teacher"], "grid": {"redraw.training": [0, 1, 2]}}
    plan = open_study(tiny, "tiny.toml", tmp_path).plan
    assert [len(phase) for phase in plan.phases] == [4, 3 * 8]  # the targets, and so teachers, are the same
    assert len({run.training_seed for run in plan.runs}) == 6
    tiny["grid"] = {"redraw.partition": [0, 1], "redraw.votes": [0, 1]}
    plan = open_study(tiny, "tiny.toml", tmp_path).plan
    assert [len(phase) for phase in plan.phases] == [2 * 4, 4 * 8]  # no teacher looks at votes
    assert "hard, fedavg, seed 0, partition 1, votes 1" in [run.label() for run in plan.runs]
