"""FedCrowd: slip rates from sums, drawn to their mean, counted from the careful; what follows from them."""

import numpy as np
import pytest
import torch
from flwr.app import ConfigRecord

from fedsoft.federation import STRATEGIES
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.guided import true_classes
from fedsoft.federation.records import to_record
from fedsoft.federation.reports import Seen, disagreement
from fedsoft.federation.servers.fedcrowd import beside, shrunk, slip_rates
from fedsoft.streams import stream

C = 5


def options(**choice):
    return STRATEGIES.parse({"name": "fedcrowd", **choice})


def told_of(slip, n, seed, sharper=1.0):
    """Sums of a client whose labels are drawn from what a model predicts, sharpened, and slip at a rate."""
    rng = stream("fedcrowd", seed=seed)
    probs = rng.dirichlet(np.full(C, 0.5), n)
    truth = probs**sharper / (probs**sharper).sum(axis=1, keepdims=True)
    labels = (truth.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=C - 1)
    moves = rng.random(n) < slip
    labels[moves] = (labels[moves] + rng.integers(1, C, moves.sum())) % C
    return disagreement(Seen(torch.from_numpy(probs), torch.eye(C)[labels])).numpy()


@pytest.mark.parametrize("slip", [0.0, 0.3, 0.8])
def test_the_rate_is_found_and_its_error_is_as_stated(slip):
    """300 crowds of 200: the mean is the rate, and its spread the standard error."""
    sums = np.stack([told_of(slip, 200, seed) for seed in range(300)])
    rates, variances = slip_rates(sums, np.ones(300), np.full(300, 200))
    assert rates.mean() == pytest.approx(slip, abs=0.01)
    assert rates.std() == pytest.approx(np.sqrt(variances.mean()), rel=0.1)


def test_rounds_that_tell_of_the_same_examples_count_as_one():
    once = told_of(0.3, 200, 0)[None]
    rate, variance = slip_rates(once, np.ones(1), np.array([200]))
    again, same = slip_rates(4 * once, np.full(1, 4.0), np.array([200]))
    assert (again[0], same[0]) == (pytest.approx(rate[0]), pytest.approx(variance[0]))


def test_a_model_that_is_too_soft_shifts_all_rates_and_the_careful_take_that_out():
    """Labels of a sharper truth: below zero for the careful; beside them the rest is nearly as without."""
    slips = np.array([0.0, 0.0, 0.4, 0.8])
    sums = np.stack([told_of(slip, 50_000, k, sharper=2.0) for k, slip in enumerate(slips)])
    rates, _ = slip_rates(sums, np.ones(4), np.full(4, 50_000))
    assert rates[:2].max() < -0.1
    np.testing.assert_allclose(beside(rates, float(rates[:2].mean())), slips, atol=0.05)


def test_rates_are_drawn_to_their_mean_as_far_as_they_are_chance():
    """Errors of variance 1 around rates of variance 3 leave 3/4; around one rate nothing is left."""
    rng = stream("shrunk")
    true = rng.normal(0, np.sqrt(3), 20_000)
    drawn = shrunk(true + rng.normal(0, 1, 20_000), np.ones(20_000))
    assert np.polyfit(true, drawn, 1)[0] == pytest.approx(0.75, abs=0.01)
    alike = shrunk(rng.normal(0.2, 1, 20_000), np.full(20_000, 1.1))
    assert np.ptp(alike) == 0


def test_the_posterior_by_hand():
    """Prior (.6, .3, .1), a label of class 1, slips of .2: (.6·.1, .3·.8, .1·.1) / .31."""
    prior, label = torch.tensor([[0.6, 0.3, 0.1]]), torch.tensor([[0.0, 1.0, 0.0]])
    torch.testing.assert_close(true_classes(prior, label, 0.2), torch.tensor([[0.06, 0.24, 0.01]]) / 0.31)
    torch.testing.assert_close(true_classes(prior, label, 0.0), label)
    torch.testing.assert_close(true_classes(prior, label, 2 / 3), prior)  # a label that says nothing


def test_weights_are_what_is_left_of_the_examples(play):
    """With next to no error, rates are as told, and the careful at 0: all weigh alike."""
    sure = 1e6
    told = [[r * sure, sure, r * r * sure, r * sure, sure] for r in (0.0, 0.0, 0.0, 0.5)]
    played = play(options(reports=1), [0.0, 0.0, 0.0, 8.0], [200, 200, 200, 400], told=told)
    assert played.path[0] == pytest.approx(2.0, rel=1e-3)
    slips = played.strategy.slips()
    np.testing.assert_allclose(slips[:4], [0, 0, 0, 0.5], atol=0.1)


def test_before_all_is_told_it_is_fedavg_bitwise(make_task, federate):
    task = make_task(participation=0.6)
    for use in ("weights", "posterior"):
        ours = federate({"name": "fedcrowd", "use": use, "reports": 9}, InProcessGrid(task, 1), 3)[-1]
        for name, array in federate("fedavg", InProcessGrid(task, 1), 3)[-1].arrays.items():
            np.testing.assert_array_equal(ours.arrays[name], array)


@pytest.mark.parametrize("use", ["weights", "posterior", "forward"])
def test_random_labels_weigh_less(use, last_weights, noisy):
    strategy, weights = last_weights({"name": "fedcrowd", "use": use, "reports": 4})
    assert weights[noisy].max() < 0.4 * weights[~noisy].min()
    assert strategy.told.max() == 4


@pytest.mark.parametrize("use", ["posterior", "forward"])
def test_every_client_is_told_its_own_rate(use, noisy_task, noisy, federate):
    strategy, grid = options(use=use, reports=4).build(AtServer.of(noisy_task)), InProcessGrid(noisy_task)
    federate(strategy, grid, 6)
    slips = strategy.slips()
    assert slips[noisy].min() > 0.3
    messages = strategy.configure_train(7, to_record(noisy_task.initial()), ConfigRecord({}), grid)
    told = {grid.partition_of(m.metadata.dst_node_id): m.content["config"] for m in messages}
    assert {client: config["slip"] for client, config in told.items()} == dict(enumerate(slips.tolist()))
    assert {config["slips"] for config in told.values()} == {use}
