import dataclasses
import math
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection

from fedsoft.analysis.digest import Digest, digest
from fedsoft.report import figures
from fedsoft.report.colours import INK, PALETTE, STRONG
from fedsoft.report.figures import Series
from fedsoft.report.figures.grid import positions
from fedsoft.report.figures.maps import border, planes
from fedsoft.report.figures.style import abreast, spread, to_svg, wrapped, wrapped_terms
from fedsoft.report.gallery import Plate, plates
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
    hits = {"label": np.array([1.0] * 8 + [0.0] * 2), "vote": np.full(10, 0.5)}
    made = {("fedavg", source): (confidence, hits) for source in shown.sources}
    figure = figures.reliability(Shown(shown.digest, dataclasses.replace(shown.cell, reliability=made)))
    for axes, right in zip(figure.axes, (0.8, 0.5), strict=False):
        drawn = {line.get_color(): line.get_xydata() for line in axes.lines}
        for source in shown.compared:
            np.testing.assert_allclose(drawn[shown.colours[source]], [[0.65, right]])
    # A calibrated share of ten is binomial: .65 ± 1.96 standard deviations, seeds being fewer than folds.
    reach = 1.96 * math.sqrt(0.65 * 0.35 / 10)
    ends = {
        round(float(y), 9)
        for mark in figure.axes[0].collections
        if isinstance(mark, LineCollection) and mark.get_alpha()
        for segment in mark.get_segments()
        for _, y in segment
    }
    assert ends == {round(0.65 - reach, 9), round(0.65 + reach, 9)}


def test_reliability_names_every_other_source_once(shown: Shown) -> None:
    names = [axes.get_title(loc="left") for axes in figures.reliability(shown).axes]
    assert names.count("votes_k(k=3)") == 1
    assert not set(shown.compared) & set(names)


def test_predictions_of_the_lowest_confidence_are_counted(shown: Shown) -> None:
    # 0 and 1 are in the first and the last bin, .1 in the second: an edge belongs to the bin above it.
    hits = {"label": np.ones(15), "vote": np.ones(15)}
    confidence = np.repeat([0.0, 0.1, 1.0], 5)
    made = {("fedavg", source): (confidence, hits) for source in shown.sources}
    figure = figures.reliability(Shown(shown.digest, dataclasses.replace(shown.cell, reliability=made)))
    steps = figure.axes[-2].patches[-1].get_data().values
    np.testing.assert_allclose(steps, [1 / 3, 1 / 3, *[0] * 7, 1 / 3])


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


def curves(shown: Shown, nll: dict[str, list[list[float]]]) -> Shown:
    """The same cell with made-up validation NLL by source, (seeds, rounds + 1), and nothing else."""
    rounds = {source: np.tile(np.arange(len(rows[0])), (len(rows), 1)) for source, rows in nll.items()}
    made = {
        ("fedavg", source): {"round": rounds[source], "nll": np.array(rows)} for source, rows in nll.items()
    }
    return Shown(shown.digest, dataclasses.replace(shown.cell, curves=made))


def test_convergence_shows_the_mean_over_seeds(shown: Shown) -> None:
    figure = figures.convergence(shown, "fedavg")
    assert figure is not None
    for source in shown.compared:
        means = shown.cell.curves["fedavg", source]["nll"].mean(axis=0)
        assert any(np.array_equal(line.get_ydata(), means) for line in figure.axes[0].lines)


def test_convergence_marks_the_round_that_validation_would_choose(shown: Shown) -> None:
    # Means: hard 5 3 2 3, whose seeds choose rounds 1 and 2; human_soft 6 4 3 1.
    hard, soft = [[5.0, 1.0, 2.0, 3.0], [5.0, 5.0, 2.0, 3.0]], [[6.0, 4.0, 3.0, 1.0]] * 2
    figure = figures.convergence(curves(shown, {"hard": hard, "human_soft": soft}), "fedavg")
    assert figure is not None
    marks = {line.get_color(): line.get_xydata() for line in figure.axes[0].lines if line.get_marker() == "D"}
    np.testing.assert_allclose(marks[INK], [[2, 2]])
    np.testing.assert_allclose(marks[STRONG], [[3, 1]])
    said = [text.get_text() for text in figure.axes[0].texts]
    assert said[0] == "◆ 2 of 3 rounds; single seeds: 1 to 2;\n−1.000 against the last"
    assert said[1] == "◆ 3 of 3 rounds; single seeds: 3;\nthe last is the best"


def test_convergence_draws_the_constant_forecast_where_it_is_in_the_picture(shown: Shown) -> None:
    constant = next(
        row.constant
        for row in shown.cell.learned
        if (row.view, row.reference, row.metric) == ("raw", "label", "nll")
    )
    assert constant == pytest.approx(math.log(10), rel=0.01)  # ten digits, nearly as many of each
    near = figures.convergence(curves(shown, {"hard": [[3.0, 2.5, 2.0]]}), "fedavg")
    far = figures.convergence(curves(shown, {"hard": [[3.0, 0.5, 0.1]]}), "fedavg")
    assert near is not None
    assert far is not None
    flat = [line.get_ydata() for line in near.axes[0].lines if len(set(line.get_ydata())) == 1]
    assert [constant, constant] in [list(y) for y in flat]
    said = [text.get_text() for text in (*near.axes[0].texts, *far.axes[0].texts)]
    assert "dashed: a constant forecast (test examples): 2.30" in said
    assert "a constant forecast (test examples): 2.30" in said


def test_convergence_needs_validation_examples(shown: Shown) -> None:
    none = {key: {"round": curve["round"]} for key, curve in shown.cell.curves.items()}
    assert (
        figures.convergence(Shown(shown.digest, dataclasses.replace(shown.cell, curves=none)), "fedavg")
        is None
    )


def test_only_the_pair_is_in_colour(shown: Shown) -> None:
    assert shown.compared == ("human_soft", "hard")
    drawn = [figures.reliability(shown), figures.gaps(shown), figures.forest(shown, "label")]
    drawn += [figures.softness(shown), figures.convergence(shown, "fedavg")]  # type: ignore[list-item]
    for figure in drawn:
        found = set(re.findall(r"#[0-9a-f]{6}", to_svg(figure, "colours")))
        tinted = {colour for colour in found if spread_of_channels(colour) > 40}
        assert tinted == {STRONG}


def spread_of_channels(colour: str) -> int:
    channels = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    return max(channels) - min(channels)


def test_the_pair_stands_first_and_bold(shown: Shown) -> None:
    labels = figures.gaps(shown).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["hard", "human_soft", "votes_k(k=3)"]
    assert [label.get_fontweight() for label in labels] == ["normal", "bold", "normal"]
    labels = figures.forest(shown, "label").axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["human_soft − hard", "votes_k(k=3) − hard"]
    assert [label.get_color() for label in labels] == [STRONG, INK]


def test_without_an_endpoint_hard_is_compared_with_the_first_other(run_tiny) -> None:  # type: ignore[no-untyped-def]
    sources = ["smoothing", "hard", "human_soft"]
    found = digest(reopen_study(run_tiny(endpoint=None, sources=sources, strategies=["fedavg"], seeds=[0])))
    shown = Shown(found, found.cells[0])
    assert shown.compared == ("smoothing", "hard")
    assert shown.compared_first == ["hard", "smoothing", "human_soft"]


def test_targets_of_rivals_are_shown_once(run_tiny) -> None:  # type: ignore[no-untyped-def]
    rivals = [{"source": "hard", "calibration": "temperature"}]
    found = digest(reopen_study(run_tiny(rivals=rivals, strategies=["fedavg"], seeds=[0])))
    labels = figures.softness(Shown(found, found.cells[0])).axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["hard", "human_soft", "votes_k(k=3)"]


def test_every_figure_says_what_it_shows(shown: Shown) -> None:
    drawn = [figures.reliability(shown), figures.gaps(shown), figures.forest(shown, "label")]
    drawn += [figures.softness(shown), figures.convergence(shown, "fedavg")]  # type: ignore[list-item]
    for figure in drawn:
        assert len(figure.legends[0].get_title().get_text().split()) > 5
        assert len(figure.legends[0].get_texts()) <= 3


def one_stratum(shown: Shown) -> Shown:
    """The same cell against the label alone, on all examples alone."""
    rows = [row for row in shown.cell.estimates if (row.stratum, row.reference) == ("all", "label")]
    return Shown(shown.digest, dataclasses.replace(shown.cell, estimates=rows))


@pytest.mark.parametrize("draw", [figures.gaps, lambda shown: figures.forest(shown, "label")])
def test_a_narrow_figure_holds_its_legend(shown: Shown, draw) -> None:  # type: ignore[no-untyped-def]
    for one in (shown, one_stratum(shown)):
        figure = draw(one)
        FigureCanvasAgg(figure).draw()
        legend = figure.legends[0].get_window_extent()
        assert legend.x0 >= 0
        assert legend.x1 <= figure.bbox.x1
        assert "95\n" not in figure.legends[0].get_title().get_text()


def test_entries_stand_abreast_where_there_is_room() -> None:
    assert abreast(["a", "b", "c"], 11.5) == 3
    # Columns fill one after another: "a" over the long one, "c" beside; then the long one by itself.
    assert abreast(["a", "x" * 60, "c"], 5.5) == 2
    assert abreast(["x" * 60, "b", "x" * 40], 5.5) == 1
    assert abreast([], 6.0) == 1


def test_one_stratum_is_not_called_strata(shown: Shown) -> None:
    def named(one: Shown) -> Plate:
        return next(plate for plate in plates(one) if plate.title.startswith("Signed gap"))

    assert named(shown).title == "Signed gap by stratum, fedavg"
    assert "Strata by the entropy" in named(shown).caption
    alone = named(one_stratum(shown))
    assert alone.title == "Signed gap, fedavg"
    assert "Strata" not in alone.caption
    assert "where" not in figures.gaps(one_stratum(shown)).legends[0].get_title().get_text()


def test_what_is_said_of_curves_lies_on_none(shown: Shown) -> None:
    # Late curves span 1 to 3: words take .24 of the panel above them and .08 below.
    rows = {"hard": [[9.0, 3.0, 2.0, 1.0, 1.0]], "human_soft": [[9.0, 2.0, 2.0, 2.0, 3.0]]}
    figure = figures.convergence(curves(shown, rows), "fedavg")
    assert figure is not None
    axes = figure.axes[0]
    FigureCanvasAgg(figure).draw()
    boxes = [text.get_window_extent().transformed(axes.transAxes.inverted()) for text in axes.texts]
    low, high = (axes.transLimits.transform((0, y))[1] for y in (1.0, 3.0))
    assert len(boxes) == 3
    assert all(box.y0 > high or box.y1 < low for box in boxes)


def test_labels_move_as_little_as_they_must() -> None:
    np.testing.assert_allclose(spread(np.array([0.0, 5.0, 2.0]), 1), [0, 5, 2])
    # Three at one place: the middle one stays. Two that overlap by a half give way by a quarter each.
    np.testing.assert_allclose(spread(np.array([1.0, 1.0, 1.0]), 1), [0, 1, 2])
    np.testing.assert_allclose(spread(np.array([3.0, 2.5, 9.0]), 1), [3.25, 2.25, 9])


def test_formulas_break_before_a_sign() -> None:
    assert wrapped_terms("a_b − c_d + e_f", 9) == "a_b − c_d\n+ e_f"


def test_amount_draws_its_series_and_rings_what_validation_chose() -> None:
    series = Series("federated", [1, 10, 100], [0.1, 0.2, 0.4], [0.0, 0.1, 0.3], [0.2, 0.3, 0.5], 10.0, 1)
    other = Series("pooled", [1, 10], [0.0, -0.1], [-0.1, -0.2], [0.1, 0.0], None, 2, raw=[0.3, 0.4])
    figure = figures.amount({"human_soft − hard": [series, other], "mass_only − hard": [series]})
    first = figure.axes[0]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["human_soft − hard", "mass_only − hard"]
    assert first.get_xscale() == "log"
    points = [line.get_xydata().tolist() for line in first.lines]
    assert [[1, 0.1], [10, 0.2], [100, 0.4]] in points
    assert [[1, 0.3], [10, 0.4]] in points
    rings = [line for line in first.lines if line.get_markerfacecolor() == "none"]
    assert [(ring.get_xydata().tolist(), ring.get_markeredgecolor()) for ring in rings] == [
        ([[10, 0.2]], PALETTE[1])
    ]
    low, high = first.collections[0].get_paths()[0].get_extents().intervaly
    assert (low, high) == (0.0, 0.5)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["federated", "pooled"]


def test_between_two_amounts_the_ring_stays_on_the_line() -> None:
    # Halfway between 1 and 100 on a log scale is 10.
    series = Series("federated", [1, 100], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0], 10.0, 0)
    ring = figures.amount({"a − b": [series]}).axes[0].lines[-1]
    np.testing.assert_allclose(ring.get_xydata(), [[10, 0.5]])


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
    assert [plane.rest for plane in found] == ["number of clients = 1", "number of clients = 2"]
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
    found = shown.difference("human_soft", "hard", "raw", "label", "brier")
    assert found is not None
    assert figure.axes[0].get_title(loc="left") == "human_soft"  # the pair's first
    texts = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert texts[1, 0] == signed(1000 * found.estimate, 0)


def test_lengths_draw_each_lead_and_name_it_at_its_end(crossed: Digest) -> None:
    figure = figures.lengths(crossed)
    assert figure is not None
    shown = planes(crossed)[0].cells["linear", "1"]
    lead = shown.cell.curves["fedavg", "human_soft"]["brier"] - shown.cell.curves["fedavg", "hard"]["brier"]
    (line,) = [line for line in figure.axes[0].lines if line.get_color() == STRONG]
    np.testing.assert_allclose(line.get_ydata(), lead.mean(axis=0))
    assert {text.get_text() for text in figure.axes[1].texts} == {"human_soft", "human_hard"}


def test_grid_has_intervals_of_the_pair_only(crossed: Digest) -> None:
    figure = figures.grid(crossed)
    assert figure is not None
    marked = [mark for mark in figure.axes[0].collections if isinstance(mark, LineCollection)]
    assert len(marked) == 2
    shown = planes(crossed)[0].cells["linear", "1"]
    found = shown.estimate("hard", "raw", "label", "brier", "all")
    assert found is not None
    drawn = {round(float(y), 9) for line in figure.axes[1].lines for y in line.get_ydata()}
    assert round(found.estimate, 9) in drawn


def test_the_border_runs_between_unlike_cells() -> None:
    edges = list(border(np.array([[False, True], [False, False]])))
    assert edges == [((0.5, 0.5), (-0.5, 0.5)), ((0.5, 1.5), (0.5, 0.5))]
