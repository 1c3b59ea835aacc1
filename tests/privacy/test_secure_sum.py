"""Options of secure aggregation: what fits, and what is refused with the mend."""

import numpy as np
import pytest
from pydantic import ValidationError

from fedsoft.errors import StudyFileError
from fedsoft.privacy import Privacy, RandomizedResponse, SecureSum
from fedsoft.study.opened import open_study

STUDY = {
    "name": "sums",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg"],
    "model": {"name": "mlp", "hidden": [4]},
    "rounds": 1,
    "seeds": [0],
    "scenario": {"clients": 4},
    "privacy": {"secure_sum": {}},
}


def test_the_step_is_the_range_over_the_levels():
    assert SecureSum(range=127.0, bits=8).step == 1.0
    assert SecureSum().step == 8 / (2**23 - 1)


@pytest.mark.parametrize(("bits", "most"), [(24, 256), (30, 4), (22, 1024)])
def test_sums_of_the_largest_cohort_are_within_31_bits(bits, most):
    options = SecureSum(bits=bits)
    options.check_cohort(most)
    assert most * options.levels < 2**31
    with pytest.raises(ValueError, match=f"sum over {most + 1:,} clients .* set bits to {bits - 1} or less"):
        options.check_cohort(most + 1)
    SecureSum(bits=bits - 1).check_cohort(most + 1)


@pytest.mark.parametrize(("size", "needed"), [(3, 3), (4, 3), (10, 7), (20, 14), (100, 67)])
def test_how_many_must_stay(size, needed):
    assert SecureSum().needed(size) == needed
    assert SecureSum(threshold=1.0).needed(size) == size


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_sum_of_one_or_two_is_no_secret(size):
    with pytest.raises(ValueError, match="hides nobody; have cohorts of 3 or more"):
        SecureSum().check_cohort(size)


@pytest.mark.parametrize(
    "wrong", [{"range": 0}, {"range": -1}, {"bits": 31}, {"bits": 4}, {"threshold": 0.5}, {"threshold": 1.1},
              {"examples": 0}, {"range": float("nan")}, {"range": 1e-25, "bits": 30}, {"steps": 1}],
)  # fmt: skip
def test_options_that_say_nothing_are_refused(wrong):
    with pytest.raises(ValidationError):
        SecureSum(**wrong)


def test_examples_are_bounded():
    sizes = np.array([3, 0, 9, 5])
    assert SecureSum().bound(sizes) == 9
    assert SecureSum(examples=20).bound(sizes) == 20
    SecureSum(examples=9).check_sizes(sizes, 1.0)
    with pytest.raises(ValueError, match="holds 9 examples, more than examples = 8; raise it"):
        SecureSum(examples=8).check_sizes(sizes, 1.0)
    with pytest.raises(ValueError, match="do not fit 32 bits; lower examples"):
        SecureSum(examples=10**9).check_sizes(sizes, 1.0)
    with pytest.raises(ValueError, match="a sum over 2 clients hides nobody"):
        SecureSum().check_sizes(sizes, 0.6)


def test_what_protects_nothing_is_none():
    assert Privacy(secure_sum=SecureSum()).in_force() == Privacy(secure_sum=SecureSum())
    off = RandomizedResponse(epsilon=float("inf"))
    assert Privacy(labels=off).in_force() is None
    assert Privacy(labels=off, secure_sum=SecureSum()).in_force() == Privacy(secure_sum=SecureSum())
    assert Privacy(labels=off).of_sums() is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"strategies": ["krum"], "scenario": {"clients": 5}}, "krum needs each client's update"),
        ({"strategies": ["fedavg", "scaffold"]}, "scaffold needs each client's update, and"),
        ({"strategies": ["fedmedian"]}, "fedmedian needs each client's update"),
        ({"scenario": {"clients": 2}}, "privacy.secure_sum: a sum over 2 clients hides nobody"),
        ({"scenario": {"clients": 20, "participation": 0.1}}, "a sum over 2 clients hides nobody"),
        ({"scenario": {"clients": 300}}, "set bits to 23 or less"),
        ({"privacy": {"secure_sum": {"examples": 20}}}, "seed 0: privacy.secure_sum: a client holds"),
        ({"privacy": {"secure_sum": {"threshold": 0.3}}}, "privacy.secure_sum.threshold"),
        ({"grid": {"privacy.secure_sum.bits": [24, 31]}}, "privacy.secure_sum.bits"),
    ],
)  # fmt: skip
def test_studies_that_cannot_be_summed_are_refused_before_anything_is_written(tmp_path, change, sentence):
    with pytest.raises(StudyFileError, match=sentence):
        open_study({**STUDY, **change}, "sums.toml", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_strategies_of_means_are_taken(tmp_path):
    means = ["fedavg", "fedprox", "fedavgm", "fedadam", "fedyogi", "fedadagrad"]
    assert open_study({**STUDY, "strategies": means}, "sums.toml", tmp_path).plan.runs


def test_teachers_sum_as_the_run_does(tmp_path):
    study = open_study({**STUDY, "sources": ["hard", "teacher"]}, "sums.toml", tmp_path)
    teachers = [one for run in study.plan.runs for one in run.teachers()]
    assert teachers
    assert all(one.privacy == Privacy(secure_sum=SecureSum()) for one in teachers)
