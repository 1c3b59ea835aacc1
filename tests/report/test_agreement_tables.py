import dataclasses
import math

import numpy as np
import pytest

from fedsoft.analysis.digest import Digest
from fedsoft.annotators.mode_shifts import ModeShifts
from fedsoft.report.agreement_tables import agreement_table, mode_shift_line, selective_table
from fedsoft.report.numbers import plain, signed
from fedsoft.report.shown import Shown


@pytest.fixture
def shown(result: Digest) -> Shown:
    return Shown(result, result.cells[0])


def test_agreement_stands_between_ceiling_and_floor(shown: Shown) -> None:
    table = agreement_table(shown)
    assert [row[0].text for row in table.rows] == [*shown.sources, "ceiling", "floor"]
    floor, ceiling = shown.cell.bounds["kl"]
    hard, *_, top, bottom = table.rows
    assert hard[1].text == plain(shown.score("hard", "kl", "vote"))
    assert (top[1].text, bottom[1].text) == (plain(ceiling), plain(floor))
    assert hard[4].text == signed(shown.score("hard", "entropy_error_at_equal_votes", "vote"))
    assert top[4].text == "0.000"
    assert top[5].small == f"{plain(shown.cell.split_half)} by split halves"


def test_unknown_ceilings_are_words(shown: Shown) -> None:
    cell = dataclasses.replace(shown.cell, bounds={"kl": (0.5, math.nan)}, split_half=math.nan)
    *_, top, bottom = agreement_table(Shown(shown.digest, cell)).rows
    assert (top[1].text, bottom[1].text) == ("not enough data", "0.500")
    assert not top[5].small


def test_mode_shifts_in_words() -> None:
    line = mode_shift_line("all votes", ModeShifts(51.1, 0.014, 0.012, 0.0064))
    assert line.startswith(
        "With all votes (51.1 an example) the mode differs from the label on 1.40 % of the"
    )
    assert "adds 0.64 %, which leaves 0.76 %" in line
    assert "cannot be told" in mode_shift_line("one vote", ModeShifts(1, 0.1, math.nan, math.nan))


def test_selective_prediction_is_against_the_label(shown: Shown) -> None:
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in selective_table(shown).rows}
    for source in shown.sources:
        scores = {
            score.metric: float(score.value)
            for score in shown.cell.pooled[shown.primary, source]
            if (score.stratum, score.reference) == ("all", "label")
        }
        assert rows[source] == [plain(scores["aurc"], 4), plain(scores["auroc"])]
    assert len({tuple(row) for row in rows.values()}) > 1
    assert np.isfinite([float(text) for row in rows.values() for text in row]).all()
