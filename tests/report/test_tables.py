import math
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.estimates import Estimate
from fedsoft.analysis.stability import Steadiness
from fedsoft.config import Arm
from fedsoft.report.effect_tables import effects_table, meaning
from fedsoft.report.level_tables import privacy_note, result_note, result_table, strategy_table
from fedsoft.report.numbers import amount, plain, signed
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table, effect_cell, level_cell, to_html, to_rich


def printed(table: Table, width: int = 80) -> str:
    console = Console(width=width, file=StringIO(), force_terminal=False)
    console.print(to_rich(table))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate("fedavg", "softness", "a − b", "raw", "label", "brier", "all", value, low, high, 0.5)


def test_one_table_both_ways() -> None:
    table = Table(
        ("who", "much"), [[Cell("part <1>")], [Cell("hard"), Cell("0.5", "0.4 to 0.6", strong=True)]]
    )
    text, html = printed(table), to_html(table)
    assert "part <1>" in text
    assert "0.5" in text
    assert "0.4 to 0.6" not in text
    assert "0.4 to 0.6" in printed(replace(table, fine=True))
    assert "part &lt;1&gt;" in html
    assert "<strong>0.5</strong><small>0.4 to 0.6</small>" in html


def test_numbers_survive_a_narrow_terminal() -> None:
    row = [Cell("a_very_long_name_of_a_source_indeed"), *[Cell("0.123")] * 6]
    assert printed(Table(("source", *"abcdef"), [row]), width=50).count("0.123") == 6


def test_an_effect_stands_out_where_its_interval_excludes_zero() -> None:
    assert effect_cell(estimate(0.02, 0.01, 0.03)).strong
    assert not effect_cell(estimate(0.02, -0.01, 0.05)).strong
    assert not effect_cell(estimate(math.nan, math.nan, math.nan)).strong


def test_undefined_numbers_are_words() -> None:
    cell = level_cell(estimate(math.nan, math.nan, math.nan))
    assert (cell.text, cell.small) == ("not enough data", "")


def test_the_result_table_shows_the_digest(result: Digest) -> None:
    shown = Shown(result, result.cells[0])
    rows = {row[0].text: row for row in result_table([shown]).rows}
    ceiling, floor = rows.pop("ceiling"), rows.pop("floor")
    assert [floor[7].text, ceiling[7].text] == [plain(end) for end in result.cells[0].bounds["kl"]]
    assert list(rows) == ["hard", "human_soft", "votes_k(k=3)"]
    for source, row in rows.items():
        of = {
            (e.metric, e.view, e.stratum): e
            for e in result.cells[0].estimates
            if (e.strategy, e.name, e.reference) == ("fedavg", source, "label")
        }
        assert [cell.text for cell in row[1:5]] == [
            plain(of["accuracy", "raw", "all"].estimate),
            plain(of["nll", "raw", "all"].estimate),
            plain(of["brier", "raw", "all"].estimate),
            signed(of["signed_gap", "raw", "all"].estimate),
        ]
        contrast = of["signed_gap", "equal_confidence", "hardest_fifth"].estimate
        contrast -= of["signed_gap", "equal_confidence", "rest"].estimate
        assert row[5].text == signed(contrast)
        scores = {
            score.metric: float(score.value)
            for score in result.cells[0].pooled["fedavg", source]
            if score.stratum == "all" and score.reference in ("label", "vote")
        } | {
            f"{score.metric} label": float(score.value)
            for score in result.cells[0].pooled["fedavg", source]
            if score.stratum == "all" and score.reference == "label"
        }
        assert row[6].text == f"{plain(scores['ece label'])} ({plain(scores['ece_floor label'])})"
        assert row[7].text == plain(scores["kl"])
        assert row[8].text == amount(result.cells[0].targets[source].votes_bought)


def test_the_strategy_table_has_its_sources_below_each_strategy(result: Digest) -> None:
    table = strategy_table(Shown(result, result.cells[0]))
    sources = len(Shown(result, result.cells[0]).sources)
    heads = [row[0].text for row in table.rows if len(row) == 1]
    assert heads == ["fedavg", "fedadam"]
    assert len(table.rows) == 2 * (1 + sources)
    found = next(
        e for e in result.cells[0].estimates
        if (e.strategy, e.name, e.view, e.reference, e.metric, e.stratum)
        == ("fedadam", "hard", "raw", "label", "accuracy", "all")
    )  # fmt: skip
    place = [row[0].text for row in table.rows].index("hard", sources + 1)
    assert table.rows[place][1].text == plain(found.estimate)


def test_the_effects_table_prices_a_gain_on_easy_examples(result: Digest) -> None:
    table = effects_table(Shown(result, result.cells[0]), "brier", "label")
    assert table.groups[-1] == ("price on easy: unanimous", 1)
    assert sum(span for _, span in table.groups) == len(table.columns)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_accuracy_which_no_temperature_changes_is_told_once(result: Digest) -> None:
    shown = Shown(result, result.cells[0])
    raw, equal = (
        [
            row.estimate
            for row in result.cells[0].estimates
            if row.formula and (row.metric, row.view) == ("accuracy", view)
        ]
        for view in ("raw", "equal_confidence")
    )
    assert raw == equal
    table = effects_table(shown, "accuracy", "label")
    assert set(table.columns[1:]) == {"as predicted"}
    assert len(dict(table.groups)) == len(table.columns)  # a column a stratum
    assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize("noun", ["songs", "images"])
def test_items_are_called_what_they_are(noun: str) -> None:
    assert f"softness on the {noun} where people disagree" in meaning("place", "a − b", noun)
    assert meaning("c − d", "c − d", noun) == ""


def test_the_legend_explains_what_there_is(result: Digest) -> None:
    cell = result.cells[0]
    steady = {
        key: replace(found, steadiness=Steadiness(*[(0.1, 0.0, 0.2)] * 3, {}, 1, "sets"))
        for key, found in cell.stability.items()
    }
    full = result_note([Shown(result, replace(cell, stability=steady))])
    for word in ("overconfident", "hardest fifth", "by chance", "KL", "Ceiling", "floor", "Churn"):
        assert word in full
    rows = [row for row in cell.estimates if (row.stratum, row.reference) == ("all", "label")]
    bare = replace(cell, estimates=rows, bounds={}, stability={})
    note = result_note([Shown(result, bare)])
    assert "by chance" in note
    for word in ("hardest fifth", "KL", "eiling", "loor", "Churn", "borrowed"):
        assert word not in note
    targets = {name: replace(target, votes_bought=0.0) for name, target in cell.targets.items()}
    smooth = Shown(result, replace(bare, targets=targets))
    smooth.__dict__["arms"] = smooth.arms | {"hard": Arm.model_validate({"source": "smoothing"})}
    assert "A rate borrowed" in result_note([smooth])


@pytest.mark.parametrize(
    ("unit", "note"),
    [
        ("vote", "ε 0.02 a vote (1 an example)"),
        ("image", "ε 1 an example (0.02 a vote)"),
        ("annotator", "ε 3 an annotator (0.02 a vote)"),
        ("client", "ε 60 a client (0.02 a vote)"),
    ],
)
def test_a_privacy_note_begins_with_what_is_protected(unit: str, note: str) -> None:
    losses = {"vote": 0.02, "image": 1.0, "annotator": 3.0, "client": 60.0}
    spent = {f"epsilon_per_{one}_max": loss for one, loss in losses.items()}
    assert privacy_note(spent, unit) == note
    assert privacy_note(spent | {"delta": 1e-5}, unit) == f"{note}, δ 1e-05"
    assert privacy_note({}, unit) == "none"
    assert privacy_note({"epsilon_calibration": 2.0}, unit) == "ε 2 a validation answer"
    trained = {"model_epsilon_per_example_max": 2.0, "model_delta": 1e-5, "model_accountant": "pld"}
    assert privacy_note(trained, unit) == "training ε 2 an example at δ 1e-05"
    both = spent | {"model_epsilon_per_client_max": 3.0, "model_delta": 0.01}
    assert privacy_note(both, unit) == f"{note}; training ε 3 a client at δ 1e-02"
