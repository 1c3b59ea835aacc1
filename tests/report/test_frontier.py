"""What privacy takes away: contrasts recomputed from stored predictions, words, table, figure."""

import csv
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedsoft.analysis.digest import Digest, digest
from fedsoft.analysis.frontier import CONTRASTS, GAP, Frontier, Measure, Point, measures_of
from fedsoft.privacy import SecureSum
from fedsoft.report.figures import frontier
from fedsoft.report.frontier_table import frontier_table
from fedsoft.report.frontier_words import BRIER, frontier_answers, setting_name
from fedsoft.report.page import page
from fedsoft.report.run_tables import settings_table
from fedsoft.report.shown import Shown
from fedsoft.study.opened import reopen_study

PRIVATE: dict[str, Any] = {
    "sources": ["hard", "human_soft"],
    "strategies": ["fedavg"],
    "seeds": [0, 1],
    "endpoint": {"source": "human_soft", "baseline": "hard"},
    "privacy": {"labels": {"name": "randomized_response", "epsilon": 1.0}},
    "grid": {"privacy.labels.epsilon": [1.0, math.inf, 4.0], "privacy.labels.unit": ["vote", "image"]},
}


@pytest.fixture(scope="module")
def private(run_tiny: Callable[..., Path]) -> Digest:
    return digest(reopen_study(run_tiny(**PRIVATE)))


def brier(result: Digest, axes: dict[str, Any], label: str) -> np.ndarray:
    """(seeds,) mean Brier scores against the label, straight from what runs stored."""
    opened = result.opened
    cell = next(one for one in opened.plan.cells if one.axes == axes)
    found = []
    for run in cell.runs:
        if run.arm.label() == label:
            made = opened.store.predictions(run.key)
            labels = run.dataset.load().labels[made["test_rows"]]
            found.append((np.square(made["test"] - np.eye(10)[labels]).sum(axis=1)).mean())
    return np.array(found)


def test_every_contrast_is_the_difference_of_the_runs_that_it_names(private: Digest) -> None:
    found = private.frontier
    assert found is not None
    assert found.values == [1.0, 4.0, math.inf]
    twin = "smoothing as private human_soft"
    for unit in ("vote", "image"):
        rest = {"privacy.labels.unit": unit}
        clear = {"privacy.labels.epsilon": math.inf} | rest
        for epsilon in (1.0, 4.0):
            here = {"privacy.labels.epsilon": epsilon} | rest
            expected = {
                "advantage": brier(private, here, "human_soft") - brier(private, here, "hard"),
                "twins": brier(private, here, twin) - brier(private, here, "smoothing as private hard"),
                "toll": brier(private, here, "human_soft") - brier(private, clear, "human_soft"),
                "noise": brier(private, here, "human_soft") - brier(private, here, twin),
                "softness": brier(private, here, twin) - brier(private, clear, "human_soft"),
            }
            for contrast in CONTRASTS:
                one = next(p for p in found.at(contrast, rest, BRIER) if p.epsilon == epsilon)
                assert one.estimate == pytest.approx(expected[contrast].mean(), abs=1e-4)
                assert one.low <= one.estimate <= one.high
                assert one.seeds == 2
                assert one.level - one.usual == pytest.approx(one.estimate, abs=1e-4)


def test_only_advantages_are_known_in_the_clear(private: Digest) -> None:
    assert private.frontier is not None
    clear = [one for one in private.frontier.points if math.isinf(one.epsilon)]
    assert {one.contrast for one in clear} == {"advantage"}
    assert len(clear) == 2 * len(measures_of("advantage"))


def test_what_is_written_can_be_read_without_fedsoft(private: Digest) -> None:
    with (private.opened.store.root / "frontier.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert private.frontier is not None
    assert len(rows) == len(private.frontier.points)
    assert rows[0].keys() >= {"privacy.labels.epsilon", "privacy.labels.unit", "contrast", "estimate", "low"}


def test_the_page_opens_with_the_answer_and_has_table_and_figure(private: Digest) -> None:
    text = page(private)
    assert text.index("The answer: what privacy takes away") < text.index("Verdict on the endpoint")
    assert "Does human_soft beat hard once both are private?" in text
    assert "<h3>What privacy takes away</h3>" in text
    assert private.frontier is not None
    table = frontier_table(private, private.frontier)
    assert [row[0].text for row in table.rows] == [
        "Labels private, ε a vote", "1", "4", "∞", "Labels private, ε an image", "1", "4", "∞",
    ]  # fmt: skip
    assert frontier(private) is not None


def test_settings_are_named_by_what_they_protect(private: Digest) -> None:
    shown = Shown(private, private.cells[0])
    assert setting_name(shown, "privacy.labels.epsilon") == "labels private, ε a vote"
    assert setting_name(shown, "privacy.model.epsilon") == "labels private, ε = 1 a vote"


def test_a_study_without_an_epsilon_in_its_grid_has_no_frontier(result: Digest) -> None:
    assert result.frontier is None
    assert frontier_answers(result) == []
    assert frontier(result) is None


def point(contrast: str, measure: Measure, epsilon: float, estimate: float, verdict: str) -> Point:
    rest = {"privacy.labels.unit": "vote"}
    ends = estimate - 0.01, estimate + 0.01
    return Point(contrast, rest, epsilon, "", "", measure, 0.4, 0.5, estimate, *ends, verdict, 5)  # type: ignore[arg-type]


def said(result: Digest, points: list[Point], question: int) -> str:
    assert result.frontier is not None
    found = Frontier("privacy.labels.epsilon", [1.0, 4.0, math.inf], result.frontier.rests, points)
    return frontier_answers(replace(result, frontier=found))[question].text


def test_a_gain_that_smoothing_gives_too_is_called_softness(private: Digest) -> None:
    base = [point("advantage", BRIER, epsilon, -0.1, "better") for epsilon in (1.0, 4.0)]
    gain = [point("toll", BRIER, 1.0, 0.2, "worse"), point("toll", GAP, 4.0, -0.05, "better")]
    alike = point("noise", GAP, 4.0, 0.02, "undecided at this size")
    text = said(private, [*base, *gain, alike], 1)
    assert "at ε = 4 the size of the signed gap changes by −0.050 [−0.060 to −0.040]" in text
    assert "smoothing as strong as the noise does as much or more" in text
    more = point("noise", GAP, 4.0, -0.04, "better")
    assert "more than softness" in said(private, [*base, *gain, more], 1)
    none = said(private, [*base, gain[0]], 1)
    assert "private human_soft gains nothing, in Brier score or calibration, at any ε" in none


@pytest.mark.parametrize(("alone", "word"), [(-0.08, "most"), (-0.02, "little"), (0.05, "none")])
def test_what_of_an_advantage_is_softness_is_told(private: Digest, alone: float, word: str) -> None:
    points = [point("advantage", BRIER, 1.0, -0.1, "better"), point("twins", BRIER, 1.0, alone, "worse")]
    text = said(private, points, 1)
    assert "as strong as the noise, makes" in text
    assert text.count(f": {word} of it.") == 1


def test_verdicts_are_told_by_epsilon(private: Digest) -> None:
    points = [
        point("advantage", BRIER, 1.0, -0.1, "better"),
        point("advantage", BRIER, 4.0, 0.1, "worse"),
        point("advantage", BRIER, math.inf, 0.0, "as good"),
    ]
    text = said(private, points, 0)
    assert "yes at ε = 1; no, it is worse, at ε = 4" in text
    assert "(at ε = 1 Brier score 0.400 against 0.500, −0.100 [−0.110 to −0.090]; at ε = ∞ 0.000" in text


def test_what_was_run_names_every_part_of_privacy(private: Digest) -> None:
    def rows(result: Digest) -> dict[str, str]:
        return {row[0].text: row[1].text for row in settings_table(result).rows}

    plain = rows(private)
    assert plain["label privacy"].startswith("randomized_response(epsilon=1.0, unit=vote")
    assert (plain["private training"], plain["secure aggregation"]) == ("none", "none")
    opened = private.opened
    study = opened.plan.study
    assert study.privacy is not None
    privacy = study.privacy.model_copy(update={"secure_sum": SecureSum(bits=20)})
    plan = replace(opened.plan, study=study.model_copy(update={"privacy": privacy}))
    masked = rows(replace(private, opened=replace(opened, plan=plan)))
    assert masked["secure aggregation"] == "range = 8.0, bits = 20, threshold = 0.67"
