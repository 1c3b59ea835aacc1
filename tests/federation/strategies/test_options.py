"""Options reach Flower's objects."""

import pytest
from flwr.serverapp import strategy as flower

from fedsoft.federation import STRATEGIES

CHOICES = [
    ({"name": "fedavg"}, flower.FedAvg, {}),
    (
        {"name": "fedavgm", "momentum": 0.3, "lr": 0.7},
        flower.FedAvgM,
        {"server_momentum": 0.3, "server_learning_rate": 0.7},
    ),
    ({"name": "fedprox", "mu": 0.4}, flower.FedProx, {"proximal_mu": 0.4}),
    (
        {"name": "fedadam", "eta": 0.2, "beta_1": 0.3, "beta_2": 0.4, "tau": 0.5},
        flower.FedAdam,
        {"eta": 0.2, "beta_1": 0.3, "beta_2": 0.4, "tau": 0.5},
    ),
    (
        {"name": "fedyogi", "eta": 0.2, "beta_1": 0.3, "beta_2": 0.4, "tau": 0.5},
        flower.FedYogi,
        {"eta": 0.2, "beta_1": 0.3, "beta_2": 0.4, "tau": 0.5},
    ),
    ({"name": "fedmedian"}, flower.FedMedian, {}),
    ({"name": "fedtrimmedavg", "beta": 0.3}, flower.FedTrimmedAvg, {"beta": 0.3}),
    ({"name": "krum", "malicious": 2}, flower.Krum, {"num_malicious_nodes": 2}),
]


def test_every_strategy_is_here():
    assert {choice["name"] for choice, _, _ in CHOICES} == set(STRATEGIES.names())


@pytest.mark.parametrize(
    ("choice", "kind", "attributes"), CHOICES, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_strategy_is_flowers_own(choice, kind, attributes):
    options = STRATEGIES.parse(choice)
    built = options.build()
    assert type(built) is kind
    assert {name: getattr(built, name) for name in attributes} == attributes
    assert (built.fraction_train, built.min_train_nodes, built.min_available_nodes) == (1.0, 1, 1)
    assert built.fraction_evaluate == 0
    assert options.build() is not built


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "fedavgm", "momentum": 1.0},
        {"name": "fedadam", "eta": 0},
        {"name": "fedprox", "mu": -1},
        {"name": "fedtrimmedavg", "beta": 0.5},
        {"name": "krum", "malicious": -1},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match=wrong["name"]):
        STRATEGIES.parse(wrong)
