"""Engines differ in speed, never in result."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.serverapp import Grid

from fedsoft.errors import EngineError
from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.client import make_client_app
from fedsoft.federation.grids import FlowerGrid, InProcessGrid, find_nodes
from fedsoft.federation.records import to_parameters, to_record
from fedsoft.federation.results import RoundResult
from fedsoft.privacy import SecureSum
from fedsoft.scenarios import Mishaps
from fedsoft.streams import stream
from fedsoft.training import MODELS, predict


@pytest.fixture
def train(federate):
    """The last of some rounds."""
    return lambda task, grid, strategy, rounds=5: federate(strategy, grid, rounds)[-1]


def probabilities(task, result):
    return predict(task.model, to_parameters(result.arrays, torch.device("cpu")), task.inputs)


@pytest.mark.parametrize("model", MODELS.names())
@pytest.mark.parametrize("strategy", STRATEGIES.names())
@pytest.mark.parametrize("participation", [1.0, 0.6])
def test_stacks_agree(model, strategy, participation, make_task, train):
    task = make_task(model, participation=participation)
    one, two, whole = (
        probabilities(task, train(task, InProcessGrid(task, stack), strategy)) for stack in (1, 2, "all")
    )
    before = probabilities(task, RoundResult(0, task.initial(), 0.0, 0))
    assert (one - before).abs().max() > 0.01  # something was learnt
    torch.testing.assert_close(two, one, rtol=0, atol=1e-4)
    torch.testing.assert_close(whole, one, rtol=0, atol=1e-4)


def test_fedprox_pulls_real_clients_back(make_task, train):
    """The further from the global model, the more mu matters; 0 is fedavg."""
    task = make_task()
    start, moved = task.initial(), []
    for mu in (0.0, 1.0, 4.0):
        after = train(task, InProcessGrid(task, 1), {"name": "fedprox", "mu": mu}, rounds=1).arrays
        moved.append(sum(float(np.square(after[name] - start[name]).sum()) for name in start))
    assert moved == sorted(moved, reverse=True)
    assert moved[2] < 0.9 * moved[0]
    plain = train(task, InProcessGrid(task), "fedavg").arrays
    for name, array in train(task, InProcessGrid(task), {"name": "fedprox", "mu": 0}).arrays.items():
        np.testing.assert_array_equal(array, plain[name])


class Deployment(Grid):
    """Nodes with random ids that answer in random order, one message at a time, as Flower's own grids."""

    def __init__(self, task, app=None, clients=None):
        self.app, self.rng = app or make_client_app(lambda config: task), stream("deployment")
        ids = self.rng.choice(2**40, clients or len(task.train), replace=False).tolist()
        self.contexts = {
            node: Context(1, node, {"partition-id": p, "num-partitions": len(ids)}, RecordDict(), {})
            for p, node in enumerate(ids)
        }
        self.silent = set()
        self.inner = InProcessGrid(task)  # gives Flower the identity that messages need

    run = property(lambda self: self.inner.run)

    def set_run(self, run):
        self.inner.set_run(run)

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None):
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self):
        return self.rng.permutation(list(self.contexts)).tolist()

    def push_messages(self, messages):
        raise NotImplementedError

    def pull_messages(self, message_ids):
        raise NotImplementedError

    def send_and_receive(self, messages, *, timeout=None):
        replies = []
        for message in messages:
            context = self.contexts[message.metadata.dst_node_id]
            if context.node_config["partition-id"] not in self.silent:
                replies.append(self.app(copy.deepcopy(message), context))
        return [replies[i] for i in self.rng.permutation(len(replies))]


@pytest.mark.parametrize("strategy", STRATEGIES.names())
@pytest.mark.parametrize("participation", [1.0, 0.6])
def test_node_ids_and_the_order_of_replies_do_not_matter(strategy, participation, make_task, train):
    task = make_task(participation=participation)
    deployment = Deployment(task)
    grid = FlowerGrid(task, deployment, find_nodes(deployment, len(task.train)))
    there, here = train(task, grid, strategy), train(task, InProcessGrid(task, 1), strategy)
    assert there.train_loss == here.train_loss
    for name, array in here.arrays.items():
        np.testing.assert_array_equal(there.arrays[name], array)


def test_sums_under_masks_are_the_same_on_nodes(make_task, train):
    task = replace(make_task(), secure_sum=SecureSum(threshold=0.51), mishaps=Mishaps(late=0.1))
    deployment = Deployment(task)
    grid = FlowerGrid(task, deployment, find_nodes(deployment, len(task.train)))
    there, here = train(task, grid, "fedadam"), train(task, InProcessGrid(task, 1), "fedadam")
    assert (there.train_loss, there.sent, there.late) == (here.train_loss, here.sent, here.late)
    for name, array in here.arrays.items():
        np.testing.assert_array_equal(there.arrays[name], array)


def test_a_node_is_asked_for_its_partition(make_task):
    deployment = Deployment(make_task())
    nodes = find_nodes(deployment, 6)
    assert sorted(nodes) == list(range(6))
    for partition, node in nodes.items():
        assert deployment.contexts[node].node_config["partition-id"] == partition


def test_too_few_nodes_are_told(make_task):
    with pytest.raises(EngineError, match="only 4 of 6 clients connected"):
        find_nodes(Deployment(make_task(), clients=4), 6, patience=0.01)
    deployment = Deployment(make_task())
    deployment.silent = {2, 5}
    with pytest.raises(EngineError, match=r"partitions \[2, 5\]; 2 nodes did not answer within 0 s; start"):
        find_nodes(deployment, 6, patience=0.3)


def test_a_node_that_is_slow_to_answer_is_asked_again(make_task):
    deployment = Deployment(make_task())
    deployment.silent = {2, 5}
    answers = deployment.send_and_receive

    def wake_up(messages, *, timeout=None):
        replies = answers(messages, timeout=timeout)
        deployment.silent = set()
        return replies

    deployment.send_and_receive = wake_up
    assert sorted(find_nodes(deployment, 6)) == list(range(6))


def test_a_client_that_fails_on_its_node_is_named(make_task, federate):
    task = make_task()

    def load(config):
        raise FileNotFoundError(f"no run {config['run']!r} here")

    deployment = Deployment(task, make_client_app(load))
    grid = FlowerGrid(task, deployment, find_nodes(deployment, 6))
    with pytest.raises(EngineError, match="client 0 failed in round 1") as caught:
        federate("fedavg", grid, 1, config={"run": "abc"})
    assert "FileNotFoundError: no run 'abc' here" in str(caught.value)


def test_a_client_that_does_not_answer_is_named(make_task, train):
    task = make_task()
    deployment = Deployment(task)
    grid = FlowerGrid(task, deployment, find_nodes(deployment, 6))
    deployment.silent = {3}
    with pytest.raises(EngineError, match=r"clients \[3\] did not answer in time; run again to continue"):
        train(task, grid, "fedavg")


def test_messages_may_be_pushed_and_pulled(make_task):
    """Flower's asynchronous half of a grid: replies wait until they are pulled, once."""
    task = make_task()
    grid, strategy = InProcessGrid(task, 1), STRATEGIES.parse("fedavg").build(AtServer.of(task))
    grid.open_round(1)

    def messages():
        return strategy.configure_train(1, to_record(task.initial()), ConfigRecord(), grid)

    at_once = {reply.metadata.src_node_id: reply.content for reply in grid.send_and_receive(messages())}
    names = list(grid.push_messages(messages()))
    first, rest, again = (list(grid.pull_messages(some)) for some in (names[:2], names, names))
    assert (len(first), len(rest), len(again)) == (2, 3, 0)
    for reply in first + rest:
        there = at_once[reply.metadata.src_node_id]
        assert reply.content["metrics"] == there["metrics"]
        assert reply.content["arrays"] == there["arrays"]
