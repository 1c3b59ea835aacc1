"""How many processes runs are spread over where nobody says so."""

import os

import pytest

from fedsoft.execution import conduct
from fedsoft.execution.run import _version


@pytest.mark.parametrize(
    ("engine", "device", "expected"),
    [
        ("inprocess", "cpu", os.cpu_count()),
        ("inprocess", "cuda", 1),  # several would share one card
        ("ray", "cuda", os.cpu_count()),
    ],
)
def test_usual_workers(engine, device, expected):
    assert conduct._usual_workers(engine, device) == expected


def test_a_package_that_is_not_there_has_no_version():
    assert _version("numpy")
    assert _version("no-such-package") is None
