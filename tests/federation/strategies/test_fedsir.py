"""FedSIR-style: overlaps of classes, a mixture of clients, and what follows for noisy ones."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from fedsoft.federation import STRATEGIES
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_record
from fedsoft.federation.reports import Seen, overlap
from fedsoft.federation.servers.fedsir import distances, noisy_among
from fedsoft.federation.servers.mixture import upper_group
from fedsoft.streams import stream
from fedsoft.training import MODELS, features_of

LOWER, UPPER = [0.30, 0.31, 0.33, 0.29, 0.32, 0.30], [0.90, 0.91]


def seen(features, labels, classes=3):
    targets = torch.eye(classes)[torch.tensor(labels)]
    return Seen(targets, targets, torch.as_tensor(features))


def test_overlap_is_the_cosine_of_the_classes_first_singular_vectors():
    rng = stream("features")
    for examples, width in ((30, 5), (22, 60)):  # more examples than features, and fewer
        features = rng.standard_normal((3 * examples, width)) + 0.5
        labels = np.repeat([0, 1, 2], examples)
        v = [np.linalg.svd(features[labels == c])[2][0] for c in range(3)]
        cosines = [abs(v[0] @ v[1]), abs(v[0] @ v[2]), abs(v[1] @ v[2])]
        assert overlap(seen(features, labels)).tolist() == pytest.approx([sum(cosines), 3])


def test_small_classes_are_left_out_unless_there_are_no_others():
    x = np.array([[1.0, 0, 0]] * 20 + [[0, 1.0, 0]] * 20 + [[1.0, 1.0, 0]] * 19)
    labels = [0] * 20 + [1] * 20 + [2] * 19
    assert overlap(seen(x, labels)).tolist() == pytest.approx([0, 1])
    few = slice(1, None)  # now of two classes nineteen, of one twenty
    assert overlap(seen(x[few], labels[few])).tolist() == pytest.approx([2 * np.sqrt(0.5), 3])
    assert overlap(seen(x[:5], labels[:5])).tolist() == [0, 0]  # a single class has no pair


def test_labels_are_the_modes_of_targets():
    targets = torch.tensor([[0.6, 0.4], [0.4, 0.6]]).repeat(20, 1)
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(20, 1)
    assert overlap(Seen(targets, targets, features)).tolist() == pytest.approx([0, 1])


@pytest.mark.parametrize("name", ["linear", "mlp", "cnn"])
def test_logits_are_the_last_layers_product_of_features(name):
    options = {"mlp": {"hidden": [6, 5]}, "cnn": {"channels": [4, 8], "groups": 2}}.get(name, {})
    model = MODELS.parse({"name": name, **options})
    rng = stream("features", model=name)
    parameters = {n: torch.from_numpy(a) for n, a in model.initial((1, 4, 4), 3, rng).items()}
    x = torch.from_numpy(rng.standard_normal((7, 1, 4, 4)).astype(np.float32))
    *_, weight, bias = parameters.values()
    logits = model.forward({n: p[None] for n, p in parameters.items()}, x[None])[0]
    torch.testing.assert_close(features_of(model, parameters, x, batch=3) @ weight.T + bias, logits)


def test_the_mixture_finds_scikit_learns_groups():
    rng = stream("two groups")
    values = np.concatenate([rng.normal(0, 1, 60), rng.normal(5, 0.5, 30)])
    theirs = GaussianMixture(2, random_state=0, tol=1e-10, max_iter=2000, n_init=5).fit(values[:, None])
    upper = theirs.predict_proba(values[:, None])[:, theirs.means_.argmax()]
    np.testing.assert_allclose(upper_group(values), upper, atol=2e-3)


def test_the_mixture_does_not_see_scale_or_order():
    values = np.array(LOWER + UPPER)
    order = stream("order").permutation(len(values))
    np.testing.assert_allclose(upper_group(7 + 3 * values)[order], upper_group(values[order]), atol=1e-6)


@pytest.mark.parametrize("n", [8, 20, 100])
def test_one_group_is_left_whole(n):
    """Of evenly spaced quantiles of one Gaussian, which look like it more than any sample."""
    from scipy.stats import norm

    assert upper_group(norm.ppf((np.arange(n) + 0.5) / n)).max() == 0
    assert upper_group(np.full(n, 0.7)).max() == 0


def test_few_clients_and_those_without_pairs_are_not_noisy():
    both = np.array(LOWER + UPPER)
    assert (noisy_among(np.stack([both, np.ones(8)], 1)) > 0.5).tolist() == [False] * 6 + [True] * 2
    assert noisy_among(np.stack([both, np.ones(8)], 1)[1:]).max() == 0  # seven
    with_one = np.concatenate([np.stack([3 * both, np.full(8, 3)], 1), [[0, 0]]])
    assert (noisy_among(with_one) > 0.5).tolist() == [False] * 6 + [True] * 2 + [False]


def test_distances_are_to_the_nearest_clean_model_and_relative():
    def model(a, b):
        return to_record({"a": np.array(a, np.float32), "b": np.array([b], np.float32)})

    models = [model([0, 0], 0), model([3, 4], 1), model([0, 1], 0), model([9, 0], 0)]
    noisy = np.array([False, True, False, True])
    # the second: 6 to the first, sqrt(18) + 1 to the third; the fourth: 9 and sqrt(82)
    np.testing.assert_allclose(distances(models, noisy), [0, (np.sqrt(18) + 1) / 9, 0, 1], rtol=1e-6)
    for everybody in (np.zeros(4, bool), np.ones(4, bool)):
        assert distances(models, everybody).tolist() == [0, 0, 0, 0]


def test_random_labels_are_found_taught_and_weigh_less(last_weights, noisy):
    strategy, weights = last_weights({"name": "fedsir", "share": 0.4})
    assert strategy.noisy[noisy].min() > 0.9
    assert strategy.noisy[~noisy].max() < 0.1
    # equal examples: clean clients weigh 1, the furthest noisy one 1/e
    assert weights[noisy].min() / weights[~noisy].min() == pytest.approx(np.exp(-1))
    assert weights[noisy].max() < weights[~noisy].min() == pytest.approx(weights[~noisy].max())


def test_where_nobody_is_noisy_it_is_fedavg_bitwise(make_task, federate):
    """Fewer than eight clients: nobody is looked for."""
    task = make_task()
    ours = federate("fedsir", InProcessGrid(task, 1), 3)[-1]
    for name, array in federate("fedavg", InProcessGrid(task, 1), 3)[-1].arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)


def test_noisy_clients_learn_from_the_global_model(noisy_task, noisy, federate):
    from flwr.app import ConfigRecord

    from fedsoft.federation.at_server import AtServer

    strategy = STRATEGIES.parse({"name": "fedsir", "share": 0.4, "memory": 0}).build(AtServer.of(noisy_task))
    grid = InProcessGrid(noisy_task)
    state = federate(strategy, grid, 1)[-1]
    grid.open_round(2)
    messages = strategy.configure_train(2, to_record(state.arrays), ConfigRecord(), grid)
    _, messages = grid.in_order(messages)
    assert [m.content["config"]["anchor"] for m in messages] == np.where(noisy, 0.4, 0).tolist()


def test_two_numbers_a_client_are_sent_besides(make_task, federate):
    task = make_task()
    sent = [federate(name, InProcessGrid(task), 1)[-1].sent for name in ("fedsir", "fedqual", "fedavg")]
    assert [one - sent[2] for one in sent[:2]] == [16 * len(task.occupied)] * 2
