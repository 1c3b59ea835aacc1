"""A tuned study is read back as what was chosen."""

import csv
import tomllib

import pytest
from typer.testing import CliRunner

from fedsoft.cli import app
from fedsoft.config import read_study, validate
from fedsoft.execution.tune import Chosen
from fedsoft.starting.tuned import changed_lines, study_file, tuned_table

TABLE = {
    "name": "small",
    "description": 'What of "it"?',
    "dataset": {"name": "digits", "inputs": "images"},
    "sources": ["hard", {"name": "smoothing", "rate": 0.1}],
    "strategies": ["fedavg", "fedadam"],
    "model": "linear",
    "rounds": 2,
    "seeds": [0],
    "scenario": {"clients": 3, "partition": {"name": "dirichlet", "alpha": 0.5}},
    "training": {"lr": 0.5},
    "endpoint": {"source": "smoothing(rate=0.1)", "strategy": "fedadam"},
    "grid": {"scenario.partition.alpha": [0.3, 1.0]},
    "tune": {
        "trials": 2,
        "seeds": [7],
        "keys": {
            "training.lr": {"choices": [0.1, 0.4]},
            "strategies.fedadam.eta": {"from": 0.01, "to": 0.1, "log": True},
        },
    },
}


def test_a_study_file_is_read_back_as_it_was():
    assert tomllib.loads(study_file(TABLE, "words")) == TABLE


def test_what_was_chosen_is_in_the_file_and_the_endpoint_finds_it():
    study = validate(TABLE, "small.toml")
    own = [{"training.lr": 0.4}, {"training.lr": 0.1, "strategies.fedadam.eta": 0.03}]
    after = tuned_table(TABLE, study, Chosen({"sources.smoothing.rate": 0.2}, own, []), "so")
    made = validate(tomllib.loads(study_file(after, "words")), "tuned")
    assert [strategy.training.lr for strategy in made.strategies] == [0.4, 0.1]
    assert made.strategies[1].eta == 0.03
    assert made.endpoint.strategy == "fedadam(eta=0.03)"
    assert made.endpoint.source == "smoothing(rate=0.2)"
    assert (made.training.lr, made.tuned, made.baseline) == (0.5, "so", "hard")
    pasted = tomllib.loads("\n".join(changed_lines(TABLE, after)))
    assert pasted["strategies"] == after["strategies"]
    assert pasted["endpoint"] == after["endpoint"]


def test_the_command_tries_prints_stores_and_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    file = tmp_path / "small.toml"
    file.write_text(study_file({k: v for k, v in TABLE.items() if k != "name"}, "words"))
    command = ["tune", "small.toml", "--workers", "1", "--write"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, (done.output, done.exception)
    with (tmp_path / "runs/tune-small/trials.csv").open() as kept:
        rows = list(csv.DictReader(kept))
    assert [(row["strategy"], row["trial"]) for row in rows] == [
        ("fedavg", "0"), ("fedavg", "1"), ("fedadam", "0"), ("fedadam", "1")
    ]  # fmt: skip
    table = read_study(tmp_path / "small.tuned.toml")
    assert table["name"] == "small.tuned"
    for number, strategy in enumerate(validate(table, "tuned").strategies):
        mine = rows[2 * number : 2 * number + 2]
        best = min(mine, key=lambda row: float(row["nll"]))
        assert strategy.training.lr == float(best["training.lr"])
        assert f"{float(best['nll']):.4f}" in done.output
        assert float(best["nll"]) == pytest.approx(float(best["nll_seed_7"]))
    assert "runs/tune-small/trials.csv" in table["tuned"]
    assert "training = { lr = " in done.output
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 0
    assert "runs in" not in again.output  # all was done
    (tmp_path / "small.tuned.toml").write_text("mine")
    kept = CliRunner().invoke(app, command)
    assert "exists and differs" in str(kept.exception)
    (tmp_path / "small.tuned.toml").unlink()
    (tmp_path / "small.tuned.toml").mkdir()
    assert "exists and differs" in str(CliRunner().invoke(app, command).exception)
