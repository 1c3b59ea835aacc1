"""What is said of lost updates."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fedsoft.analysis.digest import Digest, digest
from fedsoft.analysis.mishaps import Losses, Raised
from fedsoft.config import Study
from fedsoft.execution.conduct import run_study
from fedsoft.report.mishap_words import losses_sentence, raised_lines
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.report.terminal import show
from fedsoft.scenarios import Mishaps
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data
from fedsoft.study.opened import open_study, reopen_study

NOTHING = Losses(4000, 0, 0, 0, 0, {})
ONE = Raised("hard, fedavg, seed 0", 1, 7, 3, "ValueError: no.")


def with_losses(result: Digest, losses: Losses, mishaps: Mishaps | None = None) -> Shown:
    study: Study = result.cells[0].study
    scenario = study.scenario.model_copy(update={"mishaps": mishaps or Mishaps()})
    cell = replace(result.cells[0], losses=losses, study=study.model_copy(update={"scenario": scenario}))
    return Shown(replace(result, cells=[cell]), cell)


def test_nothing_is_said_where_nothing_could_happen_and_nothing_did(result: Digest) -> None:
    assert result.cells[0].losses.asked == 12 * 6 * 3  # runs, rounds, clients
    assert losses_sentence(with_losses(result, NOTHING)) == ""
    assert losses_sentence(with_losses(result, replace(NOTHING, asked=0), Mishaps(late=0.5))) == ""
    assert raised_lines(result) == []


def test_rounds_without_enough_are_told_where_nothing_was_lost(result: Digest) -> None:
    """As where fewer clients hold examples than a strategy takes."""
    said = losses_sentence(with_losses(result, replace(NOTHING, void=3)))
    assert "3 rounds had too few" in said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Of 4,000 updates asked for, none was lost by chance."),
        ({"failed": 391}, "Of 4,000 updates asked for, 391 failed by chance."),
        (
            {"failed": 391, "late": 12, "dropped": 30},
            "Of 4,000 updates asked for, 391 failed by chance, 12 came too late and 30 were of clients that "
            "were gone.",
        ),
        ({"dropped": 1}, "Of 4,000 updates asked for, 1 was of clients that were gone."),
        (
            {"late": 2000, "void": 2},
            "Of 4,000 updates asked for, 2,000 came too late; 2 rounds had too few (scenario.enough = 0.5, "
            "or what the strategy takes) and left the model as it was.",
        ),
        (
            {"failed": 2, "raised": {"a": ONE}},
            "Of 4,000 updates asked for, 2 failed by chance; 1 was lost because clients raised or diverged, "
            "that of client 7 in round 3 of hard, fedavg, seed 0: ValueError: no.",
        ),
        (
            {"raised": {"a": ONE, "b": replace(ONE, count=4)}},
            "Of 4,000 updates asked for, none was lost by chance; 5 were lost because clients raised or "
            "diverged, first that of client 7 in round 3 of hard, fedavg, seed 0: ValueError: no.",
        ),
    ],
)
def test_losses_are_told_in_a_sentence(changes: dict[str, object], sentence: str, result: Digest) -> None:
    losses = replace(NOTHING, **changes)  # type: ignore[arg-type]
    assert losses_sentence(with_losses(result, losses, Mishaps(failing=0.1))) == sentence


def test_runs_whose_clients_raised_are_named_a_line_each(result: Digest) -> None:
    raised = {str(k): replace(ONE, run=f"run {k}", count=k) for k in range(1, 13)}
    shown = with_losses(result, replace(NOTHING, raised=raised))
    lines = raised_lines(shown.digest)
    assert lines[0] == (
        "clients raised: run 1: 1 update lost, first that of client 7 in round 3: ValueError: no; the run "
        "went on without."
    )
    assert lines[-1] == "clients raised: 2 more runs."
    assert len(lines) == 11


def test_a_client_that_diverges_is_told_on_page_and_terminal(tmp_path: Path) -> None:
    """One example of one client is beyond all numbers: its updates are lost, and others' are not."""
    labels = np.arange(200) % 2
    features = np.stack([labels, np.arange(200) / 200], axis=1).astype(np.float32)
    table = {
        "name": "odd",
        "dataset": {"name": "npz", "path": str(tmp_path / "odd.npz")},
        "sources": ["hard"],
        "strategies": ["fedavg"],
        "model": "linear",
        "rounds": 3,
        "seeds": [0],
        "training": {"epochs": 2},
        "scenario": {"clients": 4},
    }
    np.savez(tmp_path / "odd.npz", features=features, labels=labels)
    first = open_study(table, "odd.toml", tmp_path / "runs").plan.runs[0]
    features[deal_data(first, load_dataset(first.dataset)).train.of(2)[0]] = 3e38
    np.savez(tmp_path / "odd.npz", features=features, labels=labels)
    opened = open_study(table, "odd.toml", tmp_path / "runs")
    assert run_study(opened, "inprocess", 1, lambda *_: None, lambda: False)
    result = digest(reopen_study(tmp_path / "runs"))
    told = (
        "Of 12 updates asked for, none was lost by chance; 3 were lost because clients raised or diverged, "
        "first that of client 2 in round 1 of hard, fedavg, seed 0: "
    )
    (line,) = raised_lines(result)
    assert "hard, fedavg, seed 0: 3 updates lost, first that of client 2 in round 1" in line
    text = page(result)
    assert told in text
    assert line in text
    console = Console(width=400, file=io.StringIO())
    show(result, tmp_path / "report.html", console)
    shown = console.file.getvalue()
    assert told in shown
    assert line in shown
