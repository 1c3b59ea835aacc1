"""The compared pair large, and below it one small panel for each of the other sources."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.report.colours import BACKDROP, GREY, INK
from fedsoft.report.figures.style import WIDTH, wrapped
from fedsoft.report.shown import Shown

ACROSS = 7
FEWEST = 4
"""Small panels in a row, at the most and (as wide as if there were so many) at the least."""


def pair_and_rest(large: int, rest: Sequence[str]) -> tuple[Figure, list[Axes], dict[str, Axes]]:
    """A figure with a row of large panels, and small ones, each with its source's name.

    Returns:
        the figure, its large panels, and its small ones by source.
    """
    rows = math.ceil(len(rest) / ACROSS)
    columns = max(FEWEST, math.ceil(len(rest) / rows)) if rows else 1
    figure = Figure(figsize=(WIDTH, 3.9 + 1.5 * rows + 0.3 * bool(rows)))
    outer = figure.add_gridspec(1 + bool(rows), 1, height_ratios=(3.2, 1.5 * rows)[: 1 + bool(rows)])
    above = outer[0].subgridspec(1, large)
    top = [figure.add_subplot(above[0, column]) for column in range(large)]
    small: dict[str, Axes] = {}
    if rows:
        below = outer[1].subgridspec(rows, columns)
        for number, source in enumerate(rest):
            axes = figure.add_subplot(below[number // columns, number % columns])
            axes.locator_params(nbins=3)
            lowest = number + columns >= len(rest)
            axes.tick_params(labelbottom=lowest, labelleft=number % columns == 0)
            axes.set_title(wrapped(source, 20), color=GREY, fontsize=7)
            small[source] = axes
    return figure, top, small


def backdrop(axes: Axes, lines: Mapping[str, tuple[np.ndarray, np.ndarray]], but: Sequence[str]) -> None:
    """Faint lines (x, y) of all sources but those that are meant."""
    drawn = [np.column_stack(line) for source, line in lines.items() if source not in but]
    axes.add_collection(LineCollection(drawn, colors=BACKDROP, linewidths=0.7, zorder=1), autolim=False)


def pair_marks(shown: Shown, drawn: Sequence[str], others: str = "the other sources") -> dict[str, Line2D]:
    """A legend's entries: the source on trial, its baseline, and the backdrop if there is one."""
    source, baseline = shown.compared
    marks = {
        name: Line2D([], [], color=shown.colours[name], linewidth=2)
        for name in dict.fromkeys((source, baseline))
        if name in drawn
    }
    if set(drawn) - {source, baseline}:
        marks[others] = Line2D([], [], color=BACKDROP, linewidth=1.2)
    return marks


def baseline_line(axes: Axes, line: tuple[np.ndarray, np.ndarray]) -> None:
    """The baseline in a small panel, for comparison."""
    axes.plot(*line, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=2)
