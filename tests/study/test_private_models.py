"""What a study with private training is refused for, spends and records, before and after it runs."""

import math
import warnings

import pytest

from fedsoft.errors import FedsoftError, FedsoftWarning, StudyFileError
from fedsoft.study.opened import open_study
from fedsoft.study.prepare import prepare
from fedsoft.study.protection import protection_of

SMALL = {
    "name": "small",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg"],
    "model": "linear",
    "rounds": 2,
    "seeds": [0],
    "scenario": {"clients": 8},
}
BY_CLIENT = {"model": {"name": "dp_fedavg", "noise": 1.0}, "delta": 0.01}
BY_EXAMPLE = {"model": {"name": "dp_sgd", "noise": 1.0}, "delta": 1e-5}


def opened(tmp_path, privacy, **more):
    return open_study({**SMALL, "privacy": privacy, **more}, "small.toml", tmp_path / "out")


def but(privacy, **options):
    return {**privacy, "model": {**privacy["model"], **options}}


def without(privacy, key):
    return {**privacy, "model": {k: v for k, v in privacy["model"].items() if k != key}}


@pytest.mark.parametrize(
    ("privacy", "told"),
    [
        (without(but(BY_CLIENT, epsilon=0.0), "noise"), "epsilon: .*greater than or equal to"),
        (without(but(BY_CLIENT, epsilon=-1.0), "noise"), "epsilon: .*greater than or equal to"),
        (but(BY_CLIENT, clip=0.0), "clip: .*greater than 0"),
        (
            but(BY_CLIENT, noise=0),
            "noise = 0 protects nothing; to switch it off, leave privacy.model out",
        ),
        (but(BY_CLIENT, noise=-1.0), "noise: .*greater than 0"),
        (but(BY_CLIENT, epsilon=1.0), "takes one of `noise`, a multiplier, and `epsilon`"),
        (without(BY_CLIENT, "noise"), "takes one of `noise`, a multiplier, and `epsilon`"),
        ({"model": BY_CLIENT["model"]}, "delta is required beside `model`; set it below one over .* clients"),
        ({**BY_CLIENT, "delta": 0.0}, "delta: .*greater than 0"),
        ({**BY_CLIENT, "delta": 0.125}, r"one of 8 clients outright; set it below 1/8 = 0\.12"),
        ({**BY_EXAMPLE, "delta": 0.001}, r"one of 1,?\d{3} examples outright; set it below 1/1\d{3} = "),
        (but(BY_CLIENT, quantile=0.3), '`quantile` is of clipping = "adaptive"; set that, or leave it out'),
        (
            but(BY_CLIENT, clipping="adaptive", count_noise=0.4),
            "count_noise = 0.4 lets the count alone",
        ),
    ],
)
def test_bad_settings_are_told_before_anything_is_written(privacy, told, tmp_path):
    with pytest.raises(StudyFileError, match=told) as caught:
        opened(tmp_path, privacy)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("privacy", "more", "told"),
    [
        (BY_CLIENT, {"strategies": ["fedmedian"]}, "'fedmedian' sees more of clients than the mean"),
        (BY_CLIENT, {"strategies": ["qfedavg"]}, "'qfedavg' sees more of clients"),
        (BY_CLIENT, {"strategies": ["scaffold"]}, "'scaffold' sees more of clients"),
        (BY_EXAMPLE, {"strategies": ["scaffold"]}, "'scaffold' needs each client's drift"),
        (BY_EXAMPLE, {"strategies": ["fedqual"]}, "'fedqual' needs each client's misfit"),
        (BY_EXAMPLE, {"strategies": ["qfedavg"]}, "'qfedavg' needs clients' training losses"),
        (BY_EXAMPLE, {"strategies": ["nucfl"]}, "'nucfl' adds a calibration gap of whole batches"),
        (BY_EXAMPLE, {"training": {"mixup": 0.2}}, "training.mixup puts an example into several gradients"),
        (BY_EXAMPLE, {"training": {"loss": "dca"}}, "training.loss 'dca' is of a batch as a whole"),
        (BY_EXAMPLE, {"sources": ["stochastic"]}, "'stochastic' delivers hard labels epoch by epoch"),
        (BY_EXAMPLE, {"scenario": {"clients": 8, "partition": "overlapping"}}, "gives an image to several"),
        (
            BY_CLIENT,
            {"sources": ["hard", "teacher"]},
            "'teacher' learns from a model that was trained",
        ),
        (BY_CLIENT, {"training": {"stop": "best_validation"}}, "stops by validation labels in the clear"),
        (
            BY_CLIENT,
            {"rivals": [{"source": "hard", "members": 2}]},
            "trains 2 models, each of which would spend ε anew",
        ),
        (
            BY_CLIENT,
            {"rivals": [{"source": "hard", "calibration": "temperature"}]},
            "is calibrated on labels or votes in the clear",
        ),
        (
            but(BY_CLIENT, accountant="pld"),
            {"scenario": {"clients": 8, "participation": 0.5}},
            'accountant = "pld" counts Poisson .*set scenario.sampling = "poisson", or accountant = "rdp"',
        ),
        (
            but(BY_EXAMPLE, accountant="pld", sampling="without_replacement"),
            {},
            'set privacy.model.sampling = "poisson", or accountant = "rdp"',
        ),
    ],
)
def test_what_noise_cannot_protect_is_refused(privacy, more, told, tmp_path):
    with pytest.raises(StudyFileError, match=told) as caught:
        opened(tmp_path, privacy, **more)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_dp_sgd_makes_private_any_server_may_see(tmp_path):
    for strategy in ("fedmedian", "krum", "fedtrimmedavg"):
        opened(tmp_path, BY_EXAMPLE, strategies=[strategy])


def test_an_infinite_epsilon_is_off_and_said_to_be(tmp_path):
    plain = open_study(SMALL, "small.toml", tmp_path / "out")
    off = {"model": {"name": "dp_sgd", "epsilon": math.inf}}
    study = opened(tmp_path, off)
    assert [run.key for run in study.plan.runs] == [run.key for run in plain.plan.runs]
    assert "PRIVACY IS OFF: every part" in study.summary()
    assert "PRIVACY" not in plain.summary()
    assert "PRIVACY" not in opened(tmp_path, BY_CLIENT).summary()
    cells = {"privacy.model.epsilon": [8.0, math.inf]}
    some = opened(tmp_path, {"model": {"name": "dp_sgd", "epsilon": 8.0}, "delta": 1e-5}, grid=cells)
    assert "PRIVACY IS OFF in 1 of 2 cells" in some.summary()


def test_what_protects_nobody_is_warned_of(tmp_path):
    with pytest.warns(FedsoftWarning, match="spends ε = .* for each example, which protects it from nothing"):
        opened(tmp_path, but(BY_EXAMPLE, noise=0.1))
    with warnings.catch_warnings():
        warnings.simplefilter("error", FedsoftWarning)
        opened(tmp_path, BY_EXAMPLE)


def test_targets_made_of_many_examples_votes_are_refused(tmp_path):
    told = "'human_soft_shrunk' makes targets of many examples' votes in the clear"
    with pytest.raises(FedsoftError, match=told):
        opened(tmp_path, BY_EXAMPLE, sources=["hard", "human_soft_shrunk"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", FedsoftWarning)
        opened(tmp_path, BY_EXAMPLE, sources=["human_soft"])


def protected(tmp_path, privacy, **more):
    study = opened(tmp_path, privacy, **more)
    ready = prepare(study.plan.runs[0], study.store, "cpu")
    return ready, protection_of(ready.settings.privacy, ready.task, ready.settings.rounds)


def test_noise_is_chosen_for_epsilon_before_anything_runs(tmp_path):
    privacy = {"model": {"name": "dp_sgd", "epsilon": 2.0}, "delta": 1e-5}
    ready, found = protected(tmp_path, privacy, scenario={"clients": 8, "participation": 0.5})
    assert 1.98 < found.spent["model_epsilon_per_example_max"] <= 2.0
    assert found.spent["model_epsilon_per_example_mean"] <= found.spent["model_epsilon_per_example_max"]
    assert found.spent["model_noise"] == found.noise
    assert found.spent["model_accountant"] == "pld"
    # Clients who take part in one of two rounds spend less than those in both.
    cohorts = [set(ready.task.cohort(number)) for number in (1, 2)]
    assert found.exposure.taken.tolist() == [sum(k in cohort for cohort in cohorts) for k in range(8)]


def test_a_run_records_what_it_spends(tmp_path, run):
    scenario = {"clients": 8, "participation": 0.5, "sampling": "poisson"}
    study = run(opened(tmp_path, BY_CLIENT, scenario=scenario, rounds=4))
    (record,) = [study.store.record(one.key) for one in study.plan.runs]
    spent = record["privacy"]
    assert spent.keys() == {
        "model_epsilon_per_client_max",
        "model_delta",
        "model_noise",
        "model_clip",
        "model_accountant",
        "model_relation",
    }
    assert (spent["model_accountant"], spent["model_relation"]) == ("pld", "add_or_remove")
    assert 0 < spent["model_epsilon_per_client_max"] < 20


def test_keys_of_other_runs_are_as_they_were(tmp_path):
    plain = open_study(SMALL, "small.toml", tmp_path / "a").plan.runs[0]
    fixed = {**SMALL, "scenario": {"clients": 8, "sampling": "fixed"}}
    assert open_study(fixed, "small.toml", tmp_path / "b").plan.runs[0].key == plain.key
    assert "sampling" not in plain.scenario.model_dump(exclude_defaults=True)
