"""Keys that nothing could be chosen for are refused before anything runs."""

import pytest

from fedsoft.config import validate
from fedsoft.errors import StudyFileError

TABLE = {
    "name": "tuned",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg", "fedadam"],
    "model": "linear",
    "rounds": 2,
    "seeds": [0],
}
AXIS = {"from": 0.1, "to": 1.0}


@pytest.mark.parametrize(
    ("keys", "grid", "told"),
    [
        ({"training": {"choices": [1, 2]}}, {}, "'training', which is not for tuning"),
        ({"tuned": {"choices": ["a", "b"]}}, {}, "'tuned', which is not for tuning"),
        (
            {"scenario.partition.alpha": AXIS},
            {"scenario.partition": ["iid"]},
            "the grid varies 'scenario.partition'",
        ),
        ({"training.lr": AXIS, "strategies.fedavg.training.lr": AXIS}, {}, "which are one"),
        ({"strategies.fedavg.name": {"choices": ["krum"]}}, {}, "that is no option"),
        ({"privacy.model.epsilon": AXIS}, {}, "what privacy promises is yours to choose"),
        ({"privacy.delta": AXIS}, {}, "what privacy promises is yours to choose"),
        ({"strategies.krum.malicious": AXIS}, {}, "'krum' is not among the strategies"),
    ],
)
def test_keys_that_do_nothing_are_refused(keys, grid, told):
    with pytest.raises(StudyFileError, match=told):
        validate({**TABLE, "grid": grid, "tune": {"keys": keys}}, "tuned.toml")


def test_momentum_under_a_strategy_is_checked_as_the_studys_own():
    from fedsoft.config import cells

    table = {**TABLE, "strategies": [{"name": "scaffold", "training": {"momentum": 0.9}}]}
    with pytest.raises(StudyFileError, match=r"scaffold.*momentum"):
        cells(table, "tuned.toml")
    still = [{"name": "scaffold", "training": {"momentum": 0.0}}]
    assert cells({**TABLE, "training": {"momentum": 0.9}, "strategies": still}, "tuned.toml")


def test_a_clip_norm_may_be_tuned():
    keys = {"privacy.model.clip": AXIS}
    private = {"delta": 1e-2, "model": {"name": "dp_fedavg", "noise": 1.0}}
    assert validate({**TABLE, "privacy": private, "tune": {"keys": keys}}, "tuned.toml").tune
