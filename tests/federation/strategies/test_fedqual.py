"""FedQual-style: quality by misfit, weights by quality, an anchor for the rest."""

import numpy as np
import pytest

from fedsoft.federation import STRATEGIES
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.reports import Seen, misfit
from fedsoft.federation.servers.fedqual import relative_quality


def options(**choice):
    return STRATEGIES.parse({"name": "fedqual", **choice})


def test_quality_is_the_median_excess_over_ones_own():
    # excesses a client: 1, 2, 4 and, of ten examples, 0.5; median 1.5
    sums = np.array([[3.0, 2.0], [2.0, 0.0], [4.0, 0.0], [9.0, 4.0]])
    found = relative_quality(sums, np.array([1, 1, 1, 10]))
    np.testing.assert_allclose(found, [1, 0.75, 0.375, 1])


def test_quality_of_cohorts_without_misfit_is_one():
    np.testing.assert_array_equal(relative_quality(np.array([[2.0, 2.0], [3.0, 3.5]]), np.ones(2)), [1, 1])
    np.testing.assert_array_equal(relative_quality(np.array([[7.0, 0.0]]), np.ones(1)), [1])


def test_weights_are_examples_times_quality(play):
    # excesses 1, 1 and 4, so qualities 1, 1, 1/4: (4·0 + 2·0 + 8/4·8) / (4 + 2 + 2)
    told = [[4.0, 0.0], [2.0, 0.0], [40.0, 8.0]]
    played = play(options(memory=0), [0.0, 0.0, 8.0], [4, 2, 8], told=told)
    assert played.path == pytest.approx([2.0])
    assert played.last.train_loss == pytest.approx(8 * 8 / 14)  # the loss stays a mean over examples


def test_the_anchor_grows_with_what_quality_lacks(play):
    # qualities 1, 1, 1/4, then λ = 2·3/4 and its share 1.5/2.5; before anybody is seen nobody is anchored
    told = [[1.0, 0.0], [1.0, 0.0], [4.0, 0.0]]
    played = play(options(memory=0, lambda_max=2), [0.0, 0.0, 8.0], rounds=2, told=told)
    assert played.anchors[0] == [0, 0, 0]
    assert played.anchors[1] == pytest.approx([0, 0, 0.6])


def test_quality_is_a_running_mean_from_one(play):
    told = [[1.0, 0.0], [1.0, 0.0], [4.0, 0.0]]
    after = [play(options(), [0.0] * 3, rounds=n, told=told).strategy.quality[2] for n in (1, 2, 3)]
    # a quarter of the way is left after two halvings: 1/4 + 3/4 · (1/2, 1/4, 1/8)
    assert after == pytest.approx([0.625, 0.4375, 0.34375])


def test_clients_that_were_not_there_keep_their_quality(play):
    assert play(
        options(memory=0), [0.0] * 2, told=[[1.0, 0.0], [3.0, 0.0]]
    ).strategy.quality == pytest.approx([1, 2 / 3, 1, 1, 1])


def test_misfit_is_divergence_from_targets_to_predictions():
    import torch
    from scipy.special import rel_entr

    probs, targets = (
        torch.tensor(rows).double() for rows in ([[0.5, 0.5], [0.9, 0.1]], [[1, 0], [0.6, 0.4]])
    )
    crossed, own = misfit(Seen(probs, targets)).tolist()
    assert crossed - own == pytest.approx(rel_entr(targets.numpy(), probs.numpy()).sum().item())


def test_without_anchor_and_with_memory_alone_it_is_fedavg_bitwise(make_task, federate):
    task = make_task(participation=0.6)
    ours = federate({"name": "fedqual", "lambda_max": 0, "memory": 1}, InProcessGrid(task, 1), 3)[-1]
    for name, array in federate("fedavg", InProcessGrid(task, 1), 3)[-1].arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_random_labels_weigh_less_and_are_anchored(last_weights, noisy):
    strategy, weights = last_weights("fedqual")
    assert weights[noisy].max() < 0.7 * weights[~noisy].min()
    assert strategy.quality[noisy].max() < 0.6 < strategy.quality[~noisy].min()
