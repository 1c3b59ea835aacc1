"""How levels change along a grid: one line a source."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.analysis.digest import Digest
from fedsoft.report.colours import GREY, RULE
from fedsoft.report.figures.style import panels, style
from fedsoft.report.shown import Shown, value_name
from fedsoft.report.words import METRICS

NAMES = {
    "privacy.epsilon": "privacy loss ε",
    "vote": "ε a vote",
    "image": "ε an image",
    "scenario.label_errors": "share of the clients' labels that is wrong",
}
COLUMNS = ("accuracy", "brier", "signed_gap")
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
        figure, panes = panels(len(rests), 3, 0.7 + 2.6 * len(rests), sharex=True, sharey="col")
        for row, rest in zip(panes, rests, strict=True):
            cells = {cell.cell.axes[axis]: cell for cell in shown if _rest(cell, axis) == rest}
            for pane, metric in zip(row, COLUMNS, strict=True):
                _panel(pane, [cells[value] for value in values], positions(values), metric)
                pane.set_title(METRICS[metric] if len(rests) == 1 else f"{METRICS[metric]}, {rest}")
            row[0].set_xticks(positions(values), [value_name(value) for value in values])
            row[2].axhline(0, color=GREY, linewidth=0.7, zorder=1)
        low, high = panes[0, 0].get_ylim()
        panes[0, 0].set_ylim(max(low, 0), min(high, 1))  # intervals may leave what accuracy can be
        figure.supxlabel(NAMES.get(axis, axis), color=GREY, fontsize=8)
        colours = shown[0].colours
        handles = [
            Line2D([], [], color=colour, marker="o", markersize=4, linewidth=1.5)
            for colour in colours.values()
        ]
        figure.legend(handles, list(colours), loc="outside upper left", ncols=min(len(colours), 5))
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
    return NAMES[value] if key == "privacy.unit" and value in NAMES else f"{key} = {value_name(value)}"


def _panel(pane: Axes, cells: list[Shown], x: np.ndarray, metric: str) -> None:
    pane.grid(axis="y", color=RULE, linewidth=0.5)
    sources = cells[0].sources
    spread = min(0.025 * (x[-1] - x[0]), 0.8 * np.diff(x).min() / len(sources))
    for number, source in enumerate(sources):
        found = [cell.estimate(source, "raw", "label", metric, "all") for cell in cells]
        y, low, high = (
            np.array([math.nan if row is None else getattr(row, name) for row in found])
            for name in ("estimate", "low", "high")
        )
        # Side by side, or intervals would hide each other.
        at = x + spread * (number - (len(sources) - 1) / 2)
        colour = cells[0].colours[source]
        pane.vlines(at, low, high, color=colour, linewidth=1, alpha=0.6)
        pane.plot(at, y, color=colour, linewidth=1.4, marker="o", markersize=3.8)
