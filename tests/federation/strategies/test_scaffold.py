"""SCAFFOLD on losses that can be minimised by hand, and beside an Algorithm 1 whose clients have memories."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from flwr.app import Message, MetricRecord, RecordDict

from fedsoft.config import cells
from fedsoft.errors import StudyFileError
from fedsoft.federation import STRATEGIES, asks
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_arrays, to_record
from fedsoft.federation.results import RoundResult
from fedsoft.scenarios import Fate, Mishaps
from fedsoft.training import Training

STEEP, BEST, STEPS, RATE = np.array([1.0, 2.0, 0.5]), np.array([4.0, -1.0, 10.0]), [5, 3, 8], 0.1


def scaffold(at, sizes, **choice):
    options = STRATEGIES.parse({"name": "scaffold", **choice})
    return options.build(replace(at, clients=len(sizes), sizes=np.array(sizes)))


class Bowls(InProcessGrid):
    """Client k takes ``steps[k]`` steps down STEEP[k] / 2 * (w - BEST[k])²."""

    def __init__(self, sizes, cohort=lambda number: [0, 1, 2], steps=STEPS):
        task = SimpleNamespace(cohort=cohort, fates=lambda *_: None, enough=0.5, secure_sum=None)
        super().__init__(task, messages=True)
        self.sizes, self.steps, self.added = sizes, steps, []

    def exchange(self, partitions, messages, timeout):
        replies, self.added = [], []
        for k, message in zip(partitions, messages, strict=True):
            w = to_arrays(message.content["arrays"])["w"].copy()
            added = (asks.attached(message.content, asks.CORRECTION) or {"w": np.zeros(1)})["w"]
            self.added.append(float(added[0]))
            for _ in range(self.steps[k]):
                w -= RATE * (STEEP[k] * (w - BEST[k]) + added)
            told = {"num-examples": self.sizes[k], "partition-id": k, "train-loss": 0.0}
            told["distance"] = RATE * self.steps[k]
            content = RecordDict({"arrays": to_record({"w": w}), "metrics": MetricRecord(told)})
            replies.append(Message(content, reply_to=message))
        return replies


def descend(federate, strategy, grid, rounds):
    start = RoundResult(0, {"w": np.zeros(1, np.float32)}, float("nan"), 0)
    return [float(r.arrays["w"][0]) for r in federate(strategy, grid, rounds, start)]


def with_memories(sizes, cohort, rounds, step=1.0):
    """Algorithm 1 as the paper writes it: clients keep c_k. Means are weighted by sizes."""
    x, c, own, path = 0.0, 0.0, np.zeros(3), []
    for number in range(1, rounds + 1):
        there, models, new = cohort(number), {}, {}
        for k in there:
            y = x
            for _ in range(STEPS[k]):
                y -= RATE * (STEEP[k] * (y - BEST[k]) - own[k] + c)
            models[k] = y
            new[k] = own[k] - c + (x - y) / (STEPS[k] * RATE)
        total, everybody = sum(sizes[k] for k in there), sum(sizes)
        x += step * sum(sizes[k] / total * (models[k] - x) for k in there)
        c += sum(sizes[k] / everybody * (new[k] - own[k]) for k in there)
        for k in there:
            own[k] = new[k]
        path.append(x)
    return path


def two_of_three(number):
    return [k for k in range(3) if k != number % 3]


@pytest.mark.parametrize("cohort", [lambda number: [0, 1, 2], two_of_three], ids=["all", "two"])
@pytest.mark.parametrize("choice", [{}, {"lr": 0.5}, {"weights": "uniform"}])
def test_it_is_algorithm_one(cohort, choice, at, federate):
    sizes = [30, 10, 20]
    path = descend(federate, scaffold(at, sizes, **choice), Bowls(sizes, cohort), 12)
    uniform = choice.get("weights") == "uniform"
    expected = with_memories([1, 1, 1] if uniform else sizes, cohort, 12, choice.get("lr", 1.0))
    assert path == pytest.approx(expected, rel=1e-4)


def test_two_rounds_by_hand(at, federate):
    """One step along 1·(w - 4), one along 2·(w + 1), one along 0.5·(w - 10): from 0, gradients -4, 2 and -5.

    Their mean, weighted 1 : 2 : 1, is -1.25, so w = 0.125 and c = -1.25. There the gradients are -3.875,
    2.25 and -4.9375; with c - c_k = 2.75, -3.25 and 3.75 added they are -1.125, -1 and -1.1875.
    """
    grid = Bowls([10, 20, 10], steps=[1, 1, 1])
    path = descend(federate, scaffold(at, [10, 20, 10]), grid, 2)
    assert path == pytest.approx([0.125, 0.125 + 0.1 * (1.125 + 2 * 1 + 1.1875) / 4], rel=1e-5)
    np.testing.assert_allclose(grid.added, [2.75, -3.25, 3.75], rtol=1e-5)


@pytest.mark.parametrize("cohort", [lambda number: [0, 1, 2], two_of_three], ids=["all", "two"])
def test_it_finds_the_minimum_that_fedavg_misses(cohort, at, federate):
    """The minimum of the mean loss is the mean of BEST, weighted by steepness and size."""
    sizes = [30, 10, 20]
    best = (STEEP * BEST) @ sizes / (STEEP @ sizes)
    assert descend(federate, scaffold(at, sizes), Bowls(sizes, cohort), 150)[-1] == pytest.approx(
        best, abs=2e-3
    )
    fedavg = STRATEGIES.parse("fedavg").build(at)
    assert abs(descend(federate, fedavg, Bowls(sizes), 150)[-1] - best) > 0.1


def steepness(task, arrays):
    """Length of the gradient of the mean loss over all clients' examples, at a linear model."""
    held = torch.from_numpy(task.train.rows)
    x, y = task.inputs[held].flatten(1), task.targets[held]
    leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays.values()]
    logits = x @ leaves[0].T + leaves[1]
    loss = -(y * logits.log_softmax(-1)).sum(-1).mean()
    return float(torch.cat([g.flatten() for g in torch.autograd.grad(loss, leaves)]).norm())


def test_clients_that_differ_drift_apart_under_fedavg_and_not_under_scaffold(make_task, federate):
    """On real local updates, of clients that take from 1 to 12 steps a round."""
    task = make_task("linear", training=Training(lr=0.1, batch_size=8, epochs=4, weight_decay=0.0))
    ends = {
        name: steepness(task, federate(name, InProcessGrid(task), 80)[-1].arrays)
        for name in ("fedavg", "scaffold")
    }
    assert ends["scaffold"] < 0.2 * ends["fedavg"]


def test_among_clients_that_are_alike_it_is_fedavg(make_task, federate):
    """Everybody has the same examples, in whole batches: nobody drifts, and all corrections are zero."""
    task = make_task("linear", sizes=(5, 5, 5), training=Training(lr=0.3, epochs=3, batch_size=5))
    rows = task.train.rows
    task.inputs[rows[5:]] = task.inputs[np.tile(rows[:5], 2)]
    task.targets[rows[5:]] = task.targets[np.tile(rows[:5], 2)]
    ours, plain = (federate(name, InProcessGrid(task), 6)[-1].arrays for name in ("scaffold", "fedavg"))
    for name, array in plain.items():
        np.testing.assert_allclose(ours[name], array, atol=1e-6)


@pytest.mark.parametrize("participation", [1.0, 0.5])
def test_its_first_round_is_fedavgs_bitwise(participation, make_task, federate):
    task = make_task(participation=participation)
    ours, plain = (federate(name, InProcessGrid(task), 1)[-1] for name in ("scaffold", "fedavg"))
    assert ours.train_loss == plain.train_loss
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_variates_are_those_of_whoever_took_part_and_survive_losses(make_task, federate):
    """The server's is their mean, whoever was lost; and a lost client's stays as it was."""
    task = make_task(participation=0.6, training=Training(lr=0.1, batch_size=8))
    task = replace(task, mishaps=Mishaps(dropped=0.2, late=0.2, failing=0.1), enough=0.0)
    strategy, state = STRATEGIES.parse("scaffold").build(AtServer.of(task)), None
    there = set()
    for number in range(1, 7):
        before = dict(strategy.variates)
        state = federate(strategy, InProcessGrid(task), number, state)[-1]
        well = {k for k in task.cohort(number) if task.fates(number)[k] == Fate.WELL}
        changed = {k for k, row in strategy.variates.items() if row is not before.get(k)}
        assert changed == {str(k) for k in well}
        there |= well
        assert set(strategy.variates) == {str(k) for k in there}
        shares = task.train.sizes / task.train.sizes.sum()
        mean = sum(shares[int(k)] * row for k, row in strategy.variates.items())
        np.testing.assert_allclose(strategy.common, mean, atol=1e-5)
    assert len(there) > 1


def test_a_message_is_twice_as_long_and_a_reply_is_not(make_task, federate):
    task = make_task()
    size = sum(array.nbytes for array in task.initial().values())
    (result,) = federate("scaffold", InProcessGrid(task), 1)
    assert result.sent == 3 * size * result.cohort


def test_local_momentum_is_refused():
    table = {
        "name": "small",
        "dataset": "digits",
        "sources": ["hard"],
        "strategies": ["scaffold"],
        "model": "linear",
        "rounds": 1,
        "seeds": [0],
        "training": {"momentum": 0.5},
    }
    with pytest.raises(StudyFileError, match=r"strategies: scaffold .*momentum = 0.5; set it to 0"):
        cells(table, "small.toml")
