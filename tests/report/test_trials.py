"""What is said of values at an end of what was tried."""

from typing import Any

import numpy as np
import pytest

from fedsoft.config import validate
from fedsoft.execution.tune import Trial, choose
from fedsoft.report.trials import tuning_notes
from fedsoft.study.trials import Point


def notes(axis: dict[str, Any], *tried: list[float]) -> list[str]:
    """The notes on learning rates, of which each strategy chooses the last that it tried."""
    names = ["fedavg", "fedadam", "krum"][: len(tried)]
    table = {
        "name": "small",
        "dataset": "digits",
        "sources": ["hard"],
        "strategies": names,
        "model": "linear",
        "rounds": 2,
        "seeds": [0],
        "tune": {"trials": 3, "keys": {"training.lr": axis}},
    }
    study = validate(table, "small.toml")
    assert study.tune is not None
    trials = []
    for number, rates in enumerate(tried):
        for place, rate in enumerate(rates):
            loss = np.array([1.0 - place / 10])
            trials.append(Trial(Point(number, place, {"training.lr": rate}), loss, loss, loss))
    found = tuning_notes(study, study.tune, trials, choose(study, study.tune, trials))
    return [note for note in found if note.startswith("training.lr")]


WIDER = "at the edge of what was tried: a wider range may have a better one"
LOG = {"from": 0.02, "to": 1.0, "log": True}


def more(which: str) -> str:
    return f"of few trials the {which}: more trials may find a better one"


@pytest.mark.parametrize(
    ("axis", "tried", "note"),
    [
        (LOG, [0.05, 0.143], more("largest")),  # a factor of 7 to the end, of 2.9 between the two
        (LOG, [0.05, 0.8], WIDER),
        (LOG, [0.9, 0.03], WIDER),
        (LOG, [0.9, 0.3], more("smallest")),  # a factor of 15, of 3
        ({"from": 0.0, "to": 1.0}, [0.05, 0.143], more("largest")),
        (
            {"from": 0.02, "to": 1.0},
            [0.05, 0.06, 0.8],
            WIDER,
        ),  # 0.2, and 0.375 between neighbours of the three
        (LOG, [0.2], None),
        (LOG, [0.1, 0.9, 0.3], None),
        ({"choices": [0.1, 0.9]}, [0.1, 0.9], None),
    ],
)
def test_an_end_of_few_trials_is_no_end_of_the_range(axis, tried, note) -> None:
    found = notes(axis, tried)
    assert found == ([f"training.lr is {tried[-1]} for fedavg, {note}."] if note else [])


def test_a_key_has_one_line_for_all_strategies() -> None:
    axis = {**LOG, "from": 0.002}
    assert notes(axis, [0.1, 0.9], [0.1, 0.9], [0.9, 0.1]) == [
        f"training.lr is 0.9 for fedavg and 0.9 for fedadam, {WIDER}; 0.1 for krum, {more('smallest')}."
    ]
