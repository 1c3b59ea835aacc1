"""FedDS: the clients' models annotate, and Dawid and Skene weigh them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.servers.fedds import predicted_classes, reliability
from fedsoft.streams import stream
from fedsoft.training import MODELS


def authors_em(predictions, classes, steps=500):
    """The authors' loops, as arrays: a product of likelihoods without class shares, from vote shares."""
    onehot = np.eye(classes)[predictions]  # (K, U, C)
    posterior = onehot.mean(axis=0) + 1e-10
    posterior /= posterior.sum(axis=1, keepdims=True)
    for _ in range(steps):
        confusion = np.einsum("uc,kup->kcp", posterior, onehot)
        sums = confusion.sum(axis=2, keepdims=True)
        confusion /= np.where(sums == 0, 1, sums)
        posterior = np.prod(np.einsum("kcp,kup->kuc", confusion, onehot), axis=0)
        posterior /= posterior.sum(axis=1, keepdims=True)
    return np.array([np.diag(one).mean() for one in confusion])


@pytest.fixture
def annotated():
    """Six annotators of 300 items in three even classes, right in shares from 0.9 down to chance."""
    rng, right = stream("annotators"), np.array([0.9, 0.85, 0.8, 0.7, 0.6, 1 / 3])
    truth = np.repeat(np.arange(3), 100)
    wrong = (truth + rng.integers(1, 3, (6, 300))) % 3
    return np.where(rng.random((6, 300)) < right[:, None], truth, wrong), right, truth


def test_reliability_is_near_the_share_of_right_answers(annotated):
    predicted, right, _ = annotated
    np.testing.assert_allclose(reliability(predicted, 3, 0.0), right, atol=0.08)


def test_with_even_classes_it_is_the_authors_weight(annotated):
    """Their EM leaves the classes' shares aside; here these are even."""
    predicted, _, _ = annotated
    np.testing.assert_allclose(reliability(predicted, 3, 0.0), authors_em(predicted, 3), atol=0.01)


def test_agreement_of_all_is_reliability_of_one_and_absent_classes_do_not_count():
    predicted = np.tile([0, 1, 0, 1, 1], (3, 1))
    np.testing.assert_allclose(reliability(predicted, 7, 0.0), 1, atol=1e-9)
    np.testing.assert_allclose(reliability(predicted[:1], 7, 0.0), 1, atol=1e-9)


def test_models_predict_as_one_program_what_they_predict_alone():
    model = MODELS.parse({"name": "mlp", "hidden": [4]})
    rng = stream("many models")
    parameters = {
        name: torch.from_numpy(rng.standard_normal((130, *shape)).astype(np.float32))
        for name, shape in model.shapes((3, 3), 5).items()
    }
    examples = torch.from_numpy(rng.standard_normal((11, 3, 3)).astype(np.float32))
    together = predicted_classes(model, parameters, examples)
    assert together.shape == (130, 11)
    for k in (0, 63, 64, 129):
        one = {name: value[k : k + 1] for name, value in parameters.items()}
        assert torch.equal(together[k], model.forward(one, examples[None]).argmax(-1)[0])


@pytest.mark.parametrize("by_examples", [False, True])
def test_the_mean_weighs_by_reliability(by_examples, make_task, federate):
    """One round, against the models that clients would have sent to FedAvg."""
    task = make_task()
    own = {}
    for client in task.occupied.tolist():
        alone = replace(task)
        alone.__dict__["occupied"] = np.array([client])
        own[client] = federate("fedavg", InProcessGrid(alone, 1), 1)[-1].arrays
    stacked = {name: np.stack([arrays[name] for arrays in own.values()]) for name in task.initial()}
    with torch.no_grad():
        x = task.inputs[torch.from_numpy(task.unlabelled)]
        logits = task.model.forward(
            {n: torch.from_numpy(a) for n, a in stacked.items()}, x.expand(len(own), *x.shape)
        )
    weights = reliability(logits.argmax(-1).numpy(), 3, 0.0)
    if by_examples:
        weights = weights * task.train.sizes[task.occupied]
    after = federate({"name": "fedds", "by_examples": by_examples}, InProcessGrid(task, 1), 1)[-1].arrays
    for name, arrays in stacked.items():
        np.testing.assert_allclose(after[name], np.average(arrays, 0, weights), atol=1e-6)


def test_it_needs_examples(make_task):
    at = AtServer.of(replace(make_task(), unlabelled=np.empty(0, int)))
    with pytest.raises(
        ValueError, match=r"needs unlabelled examples at the server; set scenario\.server_examp"
    ):
        STRATEGIES.parse("fedds").build(at)


def test_clients_send_nothing_besides(make_task, federate):
    sent = [federate(name, InProcessGrid(make_task()), 1)[-1].sent for name in ("fedds", "fedavg")]
    assert sent[0] == sent[1]


def test_random_labels_weigh_less(last_weights, noisy):
    _, weights = last_weights("fedds")
    assert weights[noisy].max() < 0.9 * weights[~noisy].min()
