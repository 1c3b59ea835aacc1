"""Strategies that cannot work on a cell's cohorts are refused before anything runs."""

import pytest

from fedsoft.config import cells
from fedsoft.errors import StudyFileError


def told(table, scenario, *strategies, **grid):
    return cells(table | {"scenario": scenario, "strategies": strategies, "grid": grid}, "study.toml")


def test_a_cohort_is_the_share_of_clients_that_takes_part(tiny):
    krum = {"name": "krum", "malicious": 2}
    told(tiny, {"clients": 7}, "fedavg", krum)
    told(tiny, {"clients": 14, "participation": 0.5}, krum)
    with pytest.raises(
        StudyFileError, match=r"^study\.toml: strategies: krum .*have 5; lower malicious to 1"
    ):
        told(tiny, {"clients": 10, "participation": 0.5}, "fedavg", krum)


def test_the_cells_of_a_grid_decide_and_not_what_they_replace(tiny):
    trimmed = {"name": "fedtrimmedavg", "beta": 0.1}
    told(tiny, {"clients": 4}, trimmed, **{"scenario.clients": [10, 20]})
    with pytest.raises(
        StudyFileError, match=r"at \{'scenario.clients': 5\}: strategies: fedtrimmedavg .*beta to 0.2,"
    ):
        told(tiny, {"clients": 10}, trimmed, **{"scenario.clients": [10, 5]})
