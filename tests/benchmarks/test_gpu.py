"""What is measured on a card can be tried without one, and no part takes another's time."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import agreement, busy, checks, publish, session, stacks, studies, work
from benchmarks.gpu.session import PARTS, Part, run
from benchmarks.gpu.setup import Setup
from benchmarks.gpu.table import readme
from fedsoft.study.opened import open_study

FAKES = "tests.benchmarks.parts_of_a_session"


@pytest.fixture
def setup(tmp_path):
    return Setup("cpu", 1, 0, True, 60.0, tmp_path, tmp_path)


@pytest.fixture
def here(monkeypatch):
    """Everything in this process, since starting others takes longer than what they do."""
    monkeypatch.setattr(studies, "call", lambda name, *about: getattr(studies, name.split(":")[1])(*about))
    monkeypatch.setattr(studies, "page", lambda result: "")  # drawing it takes longer than all else


def test_every_part_can_be_tried_without_a_card(setup, here):
    parts = {
        "agreement": agreement.rows,
        "stacks": stacks.rows,
        "busy": busy.rows,
        "strategies": studies.strategies,
    }
    found = {name: {"ended": "done", "rows": list(rows(setup))} for name, rows in parts.items()}
    assert all(row["largest"] == 0 for row in found["agreement"]["rows"])
    assert all(0 < row["busy"] <= row["busy_with_copies"] <= 1 for row in found["busy"]["rows"])
    *_, ours, theirs, reports = found["strategies"]["rows"]
    assert reports["reports"] == {"cells": reports["reports"]["cells"], "largest": 0, "words": 0}
    assert reports["reports"]["cells"] > 1000
    assert ours["where"] == "device"
    assert theirs["where"] == "cores"
    json.dumps(found)
    text = readme({"machine": session.machine("cpu"), "parts": found})
    assert "| `strategies` | the card | 4 |" in text
    assert "| head | float32 |" in text


def test_the_studies_are_valid(monkeypatch):
    for table in (work.heads(), work.strategies(), work.images(), work.audit_images()):
        assert work.tiny(table)["model"]["name"] == table["model"]["name"]
    plan = open_study(work.tiny(work.images()), "benchmark", Path("/nonexistent")).plan
    assert {run.model.name for run in plan.runs} == {"cnn"}
    assert {part.function.split(":")[0].rsplit(".", 1)[1] for part in PARTS} == {
        "checks",
        "agreement",
        "stacks",
        "busy",
        "studies",
    }


def test_a_part_that_lasts_too_long_is_stopped_and_the_others_have_their_time(setup, tmp_path):
    parts = [
        Part("slow", f"{FAKES}:slow", 1),
        Part("broken", f"{FAKES}:broken", 1),
        Part("quick", f"{FAKES}:quick", 2),
    ]
    began = time.monotonic()
    found = run(parts, Setup("cpu", 1, 0, True, 8.0, tmp_path), {"device": "cpu"})["parts"]
    assert time.monotonic() - began < 8
    assert found["slow"]["ended"] == "stopped after 2 s"
    assert found["slow"]["rows"] == [{"known": 1}]  # what it knew before
    assert found["broken"]["ended"] == "failed: ValueError: it broke"
    assert found["quick"]["ended"] == "done"
    ((told),) = found["quick"]["rows"]
    assert 3.6 < told["seconds"] < 6 * 0.9  # its own four of eight seconds, and what is left of the others'
    assert json.loads((tmp_path / "gpu.json").read_text())["parts"] == found
    time.sleep(0.3)
    left = (tmp_path / "alive").read_text()
    time.sleep(0.3)
    assert (tmp_path / "alive").read_text() == left  # what the slow part had started is gone too


def test_the_union_of_intervals():
    assert busy.covered([]) == 0
    assert busy.covered([(6, 6.5), (0, 4), (1, 2), (3, 5), (5, 5.25)]) == 5.75


def test_differences_of_reports_and_predictions():
    here, there = ["a", "1.5", "nan", "2000", "x"], ["a", "1.25", "nan", "1000", "y"]
    assert studies.differences(here, there) == {"cells": 5, "largest": 1.0, "words": 1}
    one, other = np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([[0.25, 0.75], [0.5, 0.5]])
    assert agreement.difference(one, other) == {"largest": 0.5, "median": 0.25, "same_class": 0.5}


def test_a_study_that_is_not_finished_is_extrapolated_and_has_no_report(setup, monkeypatch):
    halves = {"runs": 8, "workers": 1, "start": 2.0, "training": 10.0, "share": 0.25}
    monkeypatch.setattr(studies, "call", lambda *about: dict(halves))
    rows = list(studies.strategies(setup))
    assert [row["where"] for row in rows] == ["device", "cores"]
    text = readme({"machine": {"cores": 3}, "parts": {"strategies": {"ended": "done", "rows": rows}}})
    assert "| `strategies` | the card | 8 | 2 | 40 | not measured | not measured | 25% |" in text


def test_what_pytest_says_is_counted():
    said = "..F\nFAILED tests/a.py::test_b[c] - AssertionError\n1 failed, 20 passed, 3 skipped in 2s\n"
    assert checks.outcome(said) == {
        "passed": 20,
        "failed": 1,
        "skipped": 3,
        "names": ["tests/a.py::test_b[c]"],
    }


def test_sessions_on_one_machine_are_published_together(tmp_path):
    for name, parts in (("first", {"stacks": 1, "busy": 1}), ("second", {"busy": 2})):
        (tmp_path / name).mkdir()
        rows = {part: {"ended": f"stopped after {n} s", "rows": []} for part, n in parts.items()}
        (tmp_path / name / "gpu.json").write_text(json.dumps({"machine": {"cores": 2}, "parts": rows}))
    (tmp_path / "README.md").write_text(f"before\n{publish.BEGIN}\n\nold\n\n{publish.END}\nafter\n")
    publish.publish(publish.joined([tmp_path / "first", tmp_path / "second"]), tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith(f"{publish.END}\nafter\n")
    assert "`stacks` stopped after 1 s" in text
    assert "`busy` stopped after 2 s" in text
    assert "old" not in text
    (tmp_path / "second" / "gpu.json").write_text(json.dumps({"machine": {"cores": 4}, "parts": {}}))
    with pytest.raises(ValueError, match="several machines"):
        publish.joined([tmp_path / "first", tmp_path / "second"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--device", "mps"], "invalid choice: 'mps'"),
        (["--seconds", "-1"], "--seconds must be above 0"),
        (["--seconds", "nan"], "--seconds must be above 0"),
        (["--seeds", "-1"], "--seeds 0 or more"),
        (["--cores", "0"], "--cores 1 or more"),
        (["--out", __file__], "is a file"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_done(options, said, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["gpu", "--device", "cpu", *options])
    monkeypatch.setattr(command, "run", lambda *about: pytest.fail("measured"))
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 2
    assert said in capsys.readouterr().err
