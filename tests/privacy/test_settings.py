"""What parts of a table ``[privacy]`` contradict each other."""

import pytest

from fedsoft.config import cells
from fedsoft.errors import StudyFileError

TABLE = {
    "name": "settings",
    "dataset": "digits",
    "sources": ["hard"],
    "strategies": ["fedavg"],
    "model": "linear",
    "rounds": 1,
    "seeds": [0],
}
DP = {"name": "dp_fedavg", "noise": 1.0}


@pytest.mark.parametrize(
    ("privacy", "scenario", "told"),
    [
        ({"delta": 1e-2, "model": DP, "secure_sum": {}}, {}, "the server, which therefore cannot clip them"),
        ({"delta": 1e-2}, {}, "there is no model; leave it out"),
        ({"model": DP}, {}, "delta is required beside `model`"),
        ({"secure_sum": {}}, {"sampling": "poisson"}, 'scenario.sampling = "poisson" draws them of any'),
    ],
)
def test_contradictions_are_refused_with_the_mend(privacy, scenario, told):
    with pytest.raises(StudyFileError, match=told):
        cells(TABLE | {"privacy": privacy, "scenario": {"clients": 8, **scenario}}, "study.toml")


def test_what_a_study_compares_is_no_control():
    labels = {"name": "randomized_response", "epsilon": 1.0}
    ((_, study),) = cells(TABLE | {"privacy": {"labels": labels}}, "study.toml")
    assert [arm.label() for arm in study.arms] == ["hard", "smoothing as private hard"]
    assert study.pair == ("hard", "hard")
