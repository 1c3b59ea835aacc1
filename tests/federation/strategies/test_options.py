"""Options reach Flower's objects."""

import re
from dataclasses import replace

import pytest
import torch
from flwr.serverapp import strategy as flower

from fedsoft.federation import STRATEGIES
from fedsoft.federation.servers import fedcrowd, fedds, fedqual, fedsir, nucfl, scaffold
from fedsoft.federation.strategies import told_apart

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
    ({"name": "scaffold", "lr": 0.3}, scaffold.Scaffold, {"lr": 0.3}),
    (
        {"name": "multikrum", "malicious": 2, "keep": 4},
        flower.MultiKrum,
        {"num_malicious_nodes": 2, "num_nodes_to_select": 4},
    ),
    ({"name": "bulyan", "malicious": 2}, flower.Bulyan, {"num_malicious_nodes": 2}),
    ({"name": "fedadagrad", "eta": 0.2, "tau": 0.5}, flower.FedAdagrad, {"eta": 0.2, "tau": 0.5}),
    (
        {"name": "qfedavg", "q": 0.3, "lr": 0.7},
        flower.QFedAvg,
        {"q": 0.3, "client_learning_rate": 0.7, "train_loss_key": "train-loss"},
    ),
    (
        {"name": "nucfl", "beta": 2.0, "gap": "mdca", "similarity": "cka"},
        nucfl.Nucfl,
        {"beta": 2.0, "gap": "mdca", "similarity": "cka"},
    ),
    (
        {"name": "fedcrowd", "use": "forward", "reports": 3, "careful": 0.3},
        fedcrowd.FedCrowd,
        {"use": "forward", "reports": 3, "careful": 0.3},
    ),
    (
        {"name": "fedqual", "lambda_max": 2.0, "memory": 0.2},
        fedqual.FedQual,
        {"lambda_max": 2.0, "memory": 0.2},
    ),
    (
        {"name": "fedds", "by_examples": True, "smoothing": 2.0},
        fedds.FedDs,
        {"by_examples": True, "smoothing": 2.0},
    ),
    ({"name": "fedsir", "share": 0.3, "memory": 0.2}, fedsir.FedSir, {"share": 0.3, "memory": 0.2}),
]


PICKY = ("krum", "multikrum", "bulyan", "fedtrimmedavg")
"""Those that some cohorts are too small for."""


def test_every_strategy_is_here():
    assert {choice["name"] for choice, _, _ in CHOICES} == set(STRATEGIES.names())


@pytest.mark.parametrize(
    ("choice", "kind", "attributes"), CHOICES, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_strategy_is_flowers_own(choice, kind, attributes, at):
    options = STRATEGIES.parse(choice)
    if options.needs_examples:
        at = replace(at, examples=torch.ones(2, 4))
    assert isinstance(options.build(at), flower.Strategy)
    built = options.build(at)
    assert type(built) is kind
    assert {name: getattr(built, name) for name in attributes} == attributes
    assert (built.fraction_train, built.min_train_nodes, built.min_available_nodes) == (1.0, 1, 1)
    assert built.fraction_evaluate == 0
    assert options.build(at) is not built


@pytest.mark.parametrize(
    ("choice", "fits", "small"),
    [
        (
            {"name": "krum", "malicious": 2},
            [7, 8],
            {6: "to 1 at most", 3: "to 0 at most", 2: "another strategy"},
        ),
        ({"name": "krum"}, [1, 3, 100], {2: "needs cohorts of 3 clients.*choose another strategy"}),
        ({"name": "krum", "malicious": 1}, [5], {1: "choose another strategy"}),
        (
            {"name": "multikrum", "malicious": 1, "keep": 6},
            [7, 8],
            {
                6: r"cohorts of 7 .* have 6; lower keep to 5 at most, or",
                3: "to 0 at most and lower keep to 3 at most",
            },
        ),
        (
            {"name": "multikrum", "malicious": 2, "keep": 1},
            [7],
            {6: "malicious to 1 at most, or", 2: "another"},
        ),
        ({"name": "multikrum"}, [1, 3], {2: "choose another strategy"}),
        (
            {"name": "bulyan", "malicious": 2},
            [11],
            {10: "to 1 at most", 6: "to 0 at most", 2: "another strategy"},
        ),
        ({"name": "bulyan"}, [3, 100], {1: "choose another strategy", 2: "needs cohorts of 3 clients"}),
        (
            {"name": "fedtrimmedavg"},
            [1, 5, 100],
            {4: "raise beta to 0.25", 3: "beta to 0.34", 2: "beta to 0"},
        ),
        ({"name": "fedtrimmedavg", "beta": 0}, [1, 2, 3], {}),
        ({"name": "fedtrimmedavg", "beta": 0.49}, [1, 3, 100], {2: "none of a cohort of 2"}),
    ],
)
def test_cohorts_that_are_too_small_are_refused_with_the_mend(choice, fits, small):
    options = STRATEGIES.parse(choice)
    for size in fits:
        options.check_cohort(size)
    for size, words in small.items():
        with pytest.raises(ValueError, match=words):
            options.check_cohort(size)


@pytest.mark.parametrize("name", [name for name in STRATEGIES.names() if name not in PICKY])
def test_others_take_any_cohort(name):
    for size in (1, 2, 10_000):
        STRATEGIES.parse(name).check_cohort(size)


def test_the_mend_for_a_trimmed_mean_works():
    for size in range(3, 60):
        with pytest.raises(ValueError) as refused:
            STRATEGIES.parse({"name": "fedtrimmedavg", "beta": 1e-4}).check_cohort(size)
        beta = float(re.search("raise beta to ([0-9.]+)", str(refused.value))[1])
        STRATEGIES.parse({"name": "fedtrimmedavg", "beta": beta}).check_cohort(size)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "fedavgm", "momentum": 1.0},
        {"name": "fedadam", "eta": 0},
        {"name": "fedprox", "mu": -1},
        {"name": "fedtrimmedavg", "beta": 0.5},
        {"name": "krum", "malicious": -1},
        {"name": "multikrum", "keep": 0},
        {"name": "bulyan", "malicious": -1},
        {"name": "fedadagrad", "tau": 0},
        {"name": "qfedavg", "q": -0.1},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match=wrong["name"]):
        STRATEGIES.parse(wrong)


def test_training_under_a_strategy_is_dumped_and_no_option_of_flowers(at):
    plain, own = STRATEGIES.parse("fedadam"), STRATEGIES.parse({"name": "fedadam", "training": {"lr": 0.1}})
    assert "training" not in plain.dump()
    assert own.dump() == {**plain.dump(), "training": {"lr": 0.1}}
    assert STRATEGIES.parse(own.dump()).training.lr == 0.1
    assert own.build(at).eta == plain.build(at).eta
    assert own.label() == plain.label() == "fedadam"


def test_training_is_in_labels_only_where_nothing_else_tells_two_apart():
    given = [
        {"name": "fedavg"},
        {"name": "fedavg", "training": {"epochs": 2, "lr": 0.1}},
        {"name": "fedadam", "eta": 0.1, "training": {"lr": 0.2}},
    ]
    chosen = told_apart([STRATEGIES.parse(one) for one in given])
    assert [one.label() for one in chosen] == ["fedavg", "fedavg + epochs=2 + lr=0.1", "fedadam(eta=0.1)"]


def test_training_under_a_strategy_that_is_unknown_is_told():
    with pytest.raises(ValueError, match=r"unknown key 'training.rate'.*lr"):
        STRATEGIES.parse({"name": "fedavg", "training": {"rate": 0.1}})
