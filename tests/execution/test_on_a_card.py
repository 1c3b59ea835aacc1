"""Studies on a card: the same predictions, the same report, and a run that goes on where another left it."""

import csv

import numpy as np
import pytest

from fedsoft.analysis.digest import digest
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.report.page import page
from fedsoft.study.opened import open_study

NETS = {
    "head": {"model": {"name": "mlp", "hidden": [16]}, "training": {"batch_size": 8}},
    "cnn": {
        "model": {"name": "cnn", "channels": [4, 8]},
        "training": {"batch_size": 8, "augment": "crops", "mixup": 0.2},
    },
}


def studied(table, folder, run, device, **more):
    return run(open_study(table | {"device": device}, "tiny.toml", folder), stack="auto", **more)


@pytest.fixture(params=NETS)
def table(request, tiny):
    dataset = {"name": "digits", "inputs": "images"}
    return tiny | NETS[request.param] | {"dataset": dataset, "strategies": ["fedavg", "fedmedian"]}


def assert_near(here, there):
    for one in there.plan.runs:
        ours, theirs = (study.store.predictions(one.key) for study in (here, there))
        assert ours.keys() == theirs.keys()
        for name, array in theirs.items():
            np.testing.assert_allclose(ours[name], array, rtol=0, atol=1e-5, err_msg=f"{one.label()} {name}")


def test_studies_end_where_they_do_on_a_processor(table, tmp_path, run, device):
    there = studied(table, tmp_path / "there", run, "cpu")
    assert_near(studied(table, tmp_path / "here", run, device), there)


def test_a_run_goes_on_from_a_checkpoint(table, tmp_path, run, device):
    there, told = studied(table, tmp_path / "there", run, "cpu"), []
    hooks = Hooks(lambda settings, figures: told.append(settings.key), lambda: len(told) > 20)
    with pytest.raises(Interrupted):
        studied(table, tmp_path / "here", run, device, hooks=hooks)
    assert_near(studied(table, tmp_path / "here", run, device), there)


def test_a_report_is_that_of_a_processor(finished, device):
    found = []
    for where in ("cpu", device):
        assert page(digest(finished, where))
        found.append(
            {file.name: list(csv.reader(file.open())) for file in sorted(finished.store.root.glob("*.csv"))}
        )
    there, here = found
    assert here.keys() == there.keys()
    for name, lines in there.items():
        cells = [
            (a, b)
            for ours, theirs in zip(here[name], lines, strict=True)
            for a, b in zip(ours, theirs, strict=True)
        ]
        for ours, theirs in cells:
            assert ours == theirs or number(ours) == pytest.approx(number(theirs), rel=1e-6, abs=1e-8), name


def number(cell):
    try:
        return float(cell)
    except ValueError:
        return cell
