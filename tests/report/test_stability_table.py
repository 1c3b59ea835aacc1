import dataclasses
import math

import pytest

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.stability import MEASURES, Progress, Stability, Steadiness
from fedsoft.report.numbers import plain
from fedsoft.report.shown import Shown
from fedsoft.report.stability_table import stability_note, stability_table

NO_LESS = dict.fromkeys(MEASURES, (0.0, 0.0, 0.0))


@pytest.fixture
def shown(result: Digest) -> Shown:
    return Shown(result, result.cells[0])


def with_hard(shown: Shown, found: Stability) -> Shown:
    cell = dataclasses.replace(shown.cell, stability={("fedavg", "hard"): found})
    return Shown(shown.digest, cell)


def test_seeds_of_different_folds_show_progress_only(shown: Shown) -> None:
    row = stability_table(shown).rows[0]
    found = shown.cell.stability["fedavg", "hard"].progress
    assert found is not None
    rounds = "–" if math.isnan(found.rounds_to_target) else plain(found.rounds_to_target, 1)
    assert [cell.text for cell in row] == ["hard", "–", "–", "–", rounds, plain(found.spread, 4)]
    assert "No two seeds predict the same examples" in stability_note(shown)


def test_measures_stand_with_their_intervals(shown: Shown) -> None:
    steady = Steadiness((0.1, 0.08, 0.12), (0.02, 0.01, 0.03), (0.03, 0.02, 0.04), NO_LESS, 5, "sets")
    changed = with_hard(shown, Stability(steady, Progress(math.nan, 1, 2, 0.25)))
    row, *rest = stability_table(changed).rows
    assert [cell.text for cell in row[1:]] == ["0.1000", "0.0200", "0.0300", "–", "0.2500"]
    assert row[1].small == "0.0800 to 0.1200"
    assert row[4].small == "1 of 2 seeds get there"
    assert all(cell.text == "–" for other in rest for cell in other[1:])
    assert "Over 5 pairs of seeds" in stability_note(changed)
    assert "leaving out one fold's seeds in turn" in stability_note(changed)


def test_few_pairs_are_said_to_be_few(shown: Shown) -> None:
    steady = Steadiness((0.1, 0.08, 0.12), (0.02, 0.01, 0.03), (0.03, 0.02, 0.04), NO_LESS, 1, "images")
    note = stability_note(with_hard(shown, Stability(steady, None)))
    assert "the two seeds" in note
    assert "say nothing about other seeds" in note


def test_others_than_the_baseline_stand_with_their_difference(shown: Shown) -> None:
    less = {
        "churn": (-0.02, -0.03, -0.01),
        "variance": (0.0, -0.01, 0.01),
        "variance_equal_confidence": (0, 0, 0),
    }
    steady = Steadiness((0.1, 0.08, 0.12), (0.02, 0.01, 0.03), (0.03, 0.02, 0.04), less, 5, "sets")
    cell = dataclasses.replace(shown.cell, stability={("fedavg", "human_soft"): Stability(steady, None)})
    _, row, *_ = stability_table(Shown(shown.digest, cell)).rows
    assert row[1].small == "−0.0200 (−0.0300 to −0.0100)"
    assert row[1].strong
    assert not row[2].strong
