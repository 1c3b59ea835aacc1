"""Clients' clipped updates under masks: the server adds its noise to a sum that it cannot take apart."""

import numpy as np
import pytest

from fedsoft.privacy import SecureSum
from fedsoft.study.opened import open_study

TABLE = {
    "name": "sums",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg", {"name": "fedadam", "eta": 0.1}],
    "model": {"name": "mlp", "hidden": [8]},
    "training": {"lr": 0.5, "batch_size": 16},
    "rounds": 3,
    "seeds": [0],
    "scenario": {"clients": 8, "partition": {"name": "quantity_skew"}},  # who weigh alike all the same
}
CLIPPED = {"name": "dp_fedavg", "noise": 0.5, "clip": 0.3, "side": "client"}


def private(mechanism, masked, where, **more):
    privacy = {"delta": 1e-2, "model": mechanism} | ({"secure_sum": {}} if masked else {})
    return open_study(TABLE | {"privacy": privacy} | more, "sums.toml", where)


@pytest.mark.parametrize("clipping", [{}, {"clipping": "adaptive", "quantile": 0.7, "count_noise": 1.0}])
def test_a_masked_sum_gets_the_noise_of_the_plain_one(clipping, tmp_path, run):
    plain, masked = (
        run(private(CLIPPED | clipping, hidden, tmp_path / str(hidden))) for hidden in (False, True)
    )
    assert not masked.failures
    for one, other in zip(plain.plan.runs, masked.plan.runs, strict=True):
        made = [study.store.predictions(run.key)["test"] for study, run in ((plain, one), (masked, other))]
        np.testing.assert_allclose(*made, rtol=0, atol=5e-4)
        spent = [study.store.record(run.key)["privacy"] for study, run in ((plain, one), (masked, other))]
        assert spent[0] == spent[1]


def test_whole_numbers_keep_the_bound():
    options = SecureSum(range=1.0, bits=8)
    bound = options.before_rounding(2.0, 100)
    row = np.full(100, bound / 10)
    rounded = np.rint(row / options.step) * options.step
    assert bound < 2.0
    assert np.linalg.norm(rounded) <= 2.0
    with pytest.raises(ValueError, match=r"too coarse for a clip norm of 0.01; raise bits"):
        options.before_rounding(0.01, 100)


def test_an_unclipped_update_is_no_altered_share(tmp_path, run, monkeypatch):
    monkeypatch.setattr("fedsoft.federation.protected.clip", lambda row, bound: row)
    study = run(private(CLIPPED | {"clip": 1e-3}, True, tmp_path, strategies=["fedavg"]))
    (failure,) = study.failures
    assert "0 of 8 clients are left to be summed" in failure.failure["message"]
    assert "and was to be clipped to 0.001" in failure.failure["message"]
