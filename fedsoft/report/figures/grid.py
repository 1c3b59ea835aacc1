"""How levels change along a grid: one line a source, the compared pair in colour."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.estimates import Estimate
from fedsoft.report.colours import BACKDROP, GREY, INK, RULE
from fedsoft.report.figures.multiples import pair_marks
from fedsoft.report.figures.naming import axis_name
from fedsoft.report.figures.style import CALIBRATION, end_labels, heading, panels, style
from fedsoft.report.shown import Shown, value_name
from fedsoft.report.words import METRICS

BETTER = {
    "accuracy": "higher is better",
    "brier": "lower is better",
    "signed_gap": "0 is calibrated",
}
"""The columns, and how to read them."""
MOST_RESTS = 4


def grid(result: Digest) -> Figure | None:
    """Accuracy, Brier score and signed gap along the first numeric axis, a row of panels for each rest.

    Returns:
        None where no axis of the grid is numeric, or the others have more combinations than can be shown.
    """
    axis = numeric_axis(result)
    if axis is None:
        return None
    values = sorted(result.opened.plan.study.grid[axis])
    shown = [Shown(result, cell) for cell in result.cells]
    rests = list(dict.fromkeys(_rest(cell, axis) for cell in shown))
    if len(rests) > MOST_RESTS:
        return None
    with style():
        figure, panes = panels(len(rests), 3, 1.0 + 2.9 * len(rests), sharex=True, sharey="col")
        for row, rest in zip(panes, rests, strict=True):
            cells = {cell.cell.axes[axis]: cell for cell in shown if _rest(cell, axis) == rest}
            for pane, metric in zip(row, BETTER, strict=True):
                _panel(pane, [cells[value] for value in values], positions(values), metric)
                where = f", {rest}\n" if len(rests) > 1 else ": "
                pane.set_title(f"{METRICS[metric]}{where}{BETTER[metric]}")
            row[0].set_xticks(positions(values), [value_name(value) for value in values])
            row[2].axhline(0, color=GREY, linewidth=0.8, zorder=1)
            row[2].set_ylabel(CALIBRATION)
        low, high = panes[0, 0].get_ylim()
        panes[0, 0].set_ylim(max(low, 0), min(high, 1))  # intervals may leave what accuracy can be
        figure.supxlabel(axis_name(axis), color=INK, fontsize=8)
        title = f"How sources change with the {axis_name(axis)}: as predicted, under {shown[0].primary}"
        heading(figure, f"{title}; bars: 95 % intervals", pair_marks(shown[0], shown[0].sources))
        for row, rest in zip(panes, rests, strict=True):
            last = next(
                cell for cell in shown if _rest(cell, axis) == rest and cell.cell.axes[axis] == values[-1]
            )
            levels = {source: _level(last, source, "signed_gap") for source in last.compared_first}
            ends = {name: (positions(values)[-1], one.estimate) for name, one in levels.items() if one}
            end_labels(row[2], ends, last.colours)
    return figure


def numeric_axis(result: Digest) -> str | None:
    """The first axis of the grid with more than one value, all of them numbers."""
    for axis, values in result.opened.plan.study.grid.items():
        numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in values]
        if all(numbers) and len(values) > 1:
            return axis
    return None


def positions(values: Sequence[float]) -> np.ndarray:
    """Where sorted values stand: on a log scale if they span more than a decade or end in infinity.

    Infinity stands one step beyond the last finite value.
    """
    finite = np.array([value for value in values if not math.isinf(value)], dtype=float)
    if len(finite) and finite.min() > 0 and (finite.max() > 10 * finite.min() or len(finite) < len(values)):
        finite = np.log2(finite)
    step = float(np.diff(finite).mean()) if len(finite) > 1 else 1.0
    last = finite[-1] if len(finite) else 0.0
    return np.array([*finite, *(last + step * (n + 1) for n in range(len(values) - len(finite)))])


def _rest(shown: Shown, axis: str) -> str:
    others = {key: value for key, value in shown.cell.axes.items() if key != axis}
    return ", ".join(_value(key, value) for key, value in others.items())


def _value(key: str, value: Any) -> str:
    if key == "privacy.labels.unit":
        return axis_name(str(value))
    return f"{axis_name(key)} = {value_name(value)}"


def _level(shown: Shown, source: str, metric: str) -> Estimate | None:
    return shown.estimate(source, "raw", "label", metric, "all")


def _panel(pane: Axes, cells: list[Shown], x: np.ndarray, metric: str) -> None:
    """Faint lines, and over them the compared pair with its intervals, side by side."""
    pane.grid(axis="y", color=RULE, linewidth=0.5)
    pair, aside = cells[0].compared, 0.006 * (x[-1] - x[0])
    for source in reversed(cells[0].compared_first):
        found = [_level(cell, source, metric) for cell in cells]
        y, low, high = (
            np.array([math.nan if row is None else getattr(row, name) for row in found])
            for name in ("estimate", "low", "high")
        )
        if source not in pair:
            pane.plot(x, y, color=BACKDROP, linewidth=1.1, marker="o", markersize=2.6, zorder=1.5)
            continue
        colour, at = cells[0].colours[source], x + (aside if source == pair[0] else -aside)
        pane.vlines(at, low, high, color=colour, linewidth=1.4, alpha=0.6, zorder=2)
        pane.plot(at, y, color=colour, linewidth=1.8, marker="o", markersize=4.2, zorder=3)
