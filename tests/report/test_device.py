"""Wherever models were trained, forks on all cores digest their results, and no GPU is asked for."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fedsoft.analysis import digest as digesting
from fedsoft.analysis.digest import digest
from fedsoft.parallel import in_parallel
from fedsoft.report.page import page
from fedsoft.study.opened import reopen_study


@pytest.fixture
def no_gpu(monkeypatch):
    """Whoever asks for a GPU fails, in forks too."""

    def refuse(*_):
        raise AssertionError("a GPU was asked for")

    for name in ("is_available", "device_count", "init", "_lazy_init"):
        monkeypatch.setattr(torch.cuda, name, refuse)


def tables(study):
    return {file.name: file.read_bytes() for file in study.store.root.glob("*.csv")}


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_forks_digest_a_study_of_a_gpu_without_one(folder, monkeypatch, no_gpu):
    used = []
    monkeypatch.setattr(
        digesting, "in_parallel", lambda work, cores: [used.append(cores), in_parallel(work, cores)][1]
    )
    opened = reopen_study(folder)
    digest(opened)
    alone = tables(opened)
    monkeypatch.setattr(digesting, "MANY", 1)
    shared = digest(replace(opened, device="cuda"))
    assert used == [1, None]  # too few runs are not worth forks, and None is all cores
    assert tables(opened) == alone
    assert page(shared)


def test_results_of_a_gpu_are_read_where_there_is_none(folder, tmp_path, no_gpu):
    folder = Path(shutil.copytree(folder, tmp_path / "study"))
    told = json.loads((folder / "study.json").read_text())
    told["study"]["device"] = "cuda"
    (folder / "study.json").write_text(json.dumps(told))
    assert reopen_study(folder).device == "cpu"


def test_on_a_device_the_digest_is_one_process(folder, monkeypatch):
    """What is compared with the cores: a benchmark may ask for it."""
    opened = reopen_study(folder)

    class Asked(Exception):  # noqa: N818 (it is none)
        pass

    def ask(work, cores):
        raise Asked(cores, {task.args[-1] for task in work[2:]}, work[1].args[0].device)

    monkeypatch.setattr(digesting, "MANY", 1)
    monkeypatch.setattr(digesting, "in_parallel", ask)
    with pytest.raises(Asked) as asked:
        digest(opened, "cuda")
    assert asked.value.args == (1, {"cuda"}, "cuda")
