import dataclasses
import math
import re

import numpy as np
import pytest

from fedsoft.analysis.digest import Digest, digest
from fedsoft.report import figures
from fedsoft.report.colours import colours_of
from fedsoft.report.figures.grid import positions
from fedsoft.report.figures.maps import border, planes
from fedsoft.report.figures.style import to_svg, wrapped
from fedsoft.report.numbers import signed
from fedsoft.report.shown import Shown
from fedsoft.study.opened import reopen_study


@pytest.fixture(scope="module")
def shown(result: Digest) -> Shown:
    return Shown(result, result.cells[0])


def test_wrapped_keeps_every_character() -> None:
    label = "smoothing(match=top_mass)"
    lines = wrapped(label, 13).split("\n")
    assert "".join(lines) == label
    assert max(map(len, lines)) <= 13


def test_infinity_stands_one_step_beyond() -> None:
    np.testing.assert_allclose(positions([0.5, 1, 2, 4, math.inf]), [-1, 0, 1, 2, 3])


def test_a_short_range_is_not_logarithmic() -> None:
    np.testing.assert_allclose(positions([1, 2, 3]), [1, 2, 3])
    np.testing.assert_allclose(positions([1, 4, 16]), [0, 2, 4])
    np.testing.assert_allclose(positions([0, 0.5, 100]), [0, 0.5, 100])


def test_reliability_by_hand(shown: Shown) -> None:
    # Bin .6 to .7 holds ten predictions at .65, eight of them right.
    confidence = np.full(10, 0.65)
    hits = {"label": np.array([1.0] * 8 + [0.0] * 2)}
    made = {("fedavg", source): (confidence, hits) for source in shown.sources}
    figure = figures.reliability(Shown(shown.digest, dataclasses.replace(shown.cell, reliability=made)))
    line = figure.axes[0].lines[-1]
    np.testing.assert_allclose(line.get_xydata(), [[0.65, 0.8]])


def test_gaps_draw_the_digest(shown: Shown) -> None:
    marks = [mark for axes in figures.gaps(shown).axes for mark in axes.collections]
    drawn = {round(float(x), 9) for mark in marks for x, _ in mark.get_offsets()}
    intervals = [
        segment for mark in marks if hasattr(mark, "get_segments") for segment in mark.get_segments()
    ]
    drawn |= {round(float(x), 9) for segment in intervals for x, _ in segment}
    for source in shown.sources:
        for view in ("raw", "equal_confidence"):
            found = shown.estimate(source, view, "label", "signed_gap", "hardest_fifth")
            assert found is not None
            assert {round(value, 9) for value in (found.estimate, found.low, found.high)} <= drawn


def test_convergence_shows_the_mean_over_seeds(shown: Shown) -> None:
    figure = figures.convergence(shown, "fedavg")
    assert figure is not None
    means = shown.cell.curves["fedavg", "hard"]["nll"].mean(axis=0)
    assert any(np.array_equal(line.get_ydata(), means) for line in figure.axes[0].lines)


def test_a_source_has_one_colour_in_every_figure(shown: Shown) -> None:
    others = set(colours_of(shown.sources).values())
    for figure in (figures.reliability(shown), figures.convergence(shown, "fedavg")):
        assert figure is not None
        text = to_svg(figure, "colours")
        for source, colour in shown.colours.items():
            named = re.findall(rf"fill: (#\w+)[^>]*>{re.escape(wrapped(source, 30))}<", text)
            assert set(named) <= {colour}
            assert colour in text
        assert others <= set(re.findall(r"#\w{6}", text))


def test_svg_is_the_same_twice(shown: Shown) -> None:
    assert to_svg(figures.gaps(shown), "gaps") == to_svg(figures.gaps(shown), "gaps")


def test_without_a_numeric_axis_there_is_no_grid_figure(result: Digest) -> None:
    assert figures.grid(result) is None


@pytest.fixture(scope="module")
def crossed(run_tiny) -> Digest:  # type: ignore[no-untyped-def]
    axes = {"scenario.clients": [1, 2], "scenario.votes": [1, 2], "model": ["linear", "mlp"]}
    endpoint = {"source": "human_soft", "baseline": "hard", "metric": "brier", "view": "raw"}
    sources = ["hard", "human_soft", "human_hard"]
    folder = run_tiny(grid=axes, sources=sources, strategies=["fedavg"], endpoint=endpoint)
    return digest(reopen_study(folder))


def test_a_plane_is_the_grids_last_two_axes(crossed: Digest, result: Digest) -> None:
    found = planes(crossed)
    assert [plane.rest for plane in found] == ["scenario.clients = 1", "scenario.clients = 2"]
    assert (found[0].x[0], found[0].y[0]) == ("model", "scenario.votes")
    axes = found[1].cells["linear", "2"].cell.axes
    assert axes == {"scenario.clients": 2, "scenario.votes": 2, "model": "linear"}
    assert planes(result) == []


def test_maps_show_every_effect_in_its_place(crossed: Digest) -> None:
    figure = figures.maps(crossed)
    assert figure is not None
    # Two rests × two views, and two sources beside the baseline.
    assert len(figure.axes) == 8
    shown = planes(crossed)[0].cells["mlp", "1"]
    found = shown.estimate("human_soft − hard", "raw", "label", "brier", "all")
    assert found is not None
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert texts[1, 0] == signed(1000 * found.estimate, 0)
    assert figures.lengths(crossed) is not None


def test_the_border_runs_between_unlike_cells() -> None:
    edges = list(border(np.array([[False, True], [False, False]])))
    assert edges == [((0.5, 0.5), (-0.5, 0.5)), ((0.5, 1.5), (0.5, 0.5))]
