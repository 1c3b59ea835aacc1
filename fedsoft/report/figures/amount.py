"""The amount of training: how effects change with it, federated beside pooled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from fedsoft.report.colours import GREY, INK, PALETTE, RULE
from fedsoft.report.figures.style import heading, panels, style

ACROSS = 3
"""Panels in a row at the most."""


@dataclass(frozen=True)
class Series:
    """An effect along one way of training more.

    Attributes:
        name: of the way, such as ``federated``.
        x: (P,) amounts of training, above zero and rising: learning rate × local steps of one client.
        estimate: (P,) the effect, at equal confidence.
        low: (P,) the lower end of its 95 % interval.
        high: (P,) the upper end.
        chosen: the amount that validation would choose; None where nothing was chosen.
        colour: a number from 0 on, the same for the same way in every panel.
        raw: (P,) the effect as predicted; None leaves it out.
    """

    name: str
    x: Sequence[float] | np.ndarray
    estimate: Sequence[float] | np.ndarray
    low: Sequence[float] | np.ndarray
    high: Sequence[float] | np.ndarray
    chosen: float | None
    colour: int
    raw: Sequence[float] | np.ndarray | None = None


def amount(panes: Mapping[str, Sequence[Series]], metric: str = "Brier score") -> Figure:
    """One panel an effect, named by its formula; in each, a line with its intervals for every series.

    Args:
        panes: series by effect, such as ``human_soft − hard``.
        metric: what the effects are differences in, lower being better.
    """
    columns = min(ACROSS, len(panes))
    rows = -(-len(panes) // columns)
    with style():
        figure, grid = panels(rows, columns, 1.0 + 3.2 * rows, sharex=True, sharey=True)
        for axes, (effect, series) in zip(grid.flat, panes.items(), strict=False):
            _pane(axes, series)
            axes.set_title(effect, fontweight="bold")
        for axes in grid.flat[len(panes) :]:
            axes.set_visible(False)
        for axes in grid.flat[len(panes) - columns : len(panes)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        grid[0, 0].set_xscale("log")
        grid[0, 0].xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        grid[0, 0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        grid[0, 0].xaxis.set_minor_formatter(NullFormatter())
        figure.supxlabel(
            "amount of training: learning rate × local steps of one client; longer →", color=INK, fontsize=8
        )
        figure.supylabel(f"← better   ·   difference in {metric}   ·   worse →", color=INK, fontsize=8)
        every = [one for series in panes.values() for one in series]
        marks = {one.name: Line2D([], [], color=_colour(one), marker="o", markersize=4) for one in every}
        title = (
            "Does the effect change with the amount of training? At equal mean confidence, 95 % intervals; "
            "ring: the amount that validation would choose"
        )
        dotted = "; dotted: as predicted" * any(one.raw is not None for one in every)
        heading(figure, title + dotted, marks)
    return figure


def _colour(series: Series) -> str:
    return PALETTE[series.colour % len(PALETTE)]


def _pane(axes: Axes, series: Sequence[Series]) -> None:
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.annotate("no difference", (0.99, 0), xycoords=axes.get_yaxis_transform(), xytext=(0, 2),
                  textcoords="offset points", ha="right", color=GREY, fontsize=6.5)  # fmt: skip
    for one in series:
        colour, x, y = _colour(one), np.asarray(one.x), np.asarray(one.estimate)
        axes.fill_between(x, one.low, one.high, color=colour, alpha=0.15, linewidth=0, zorder=1.5)
        if one.raw is not None:
            axes.plot(x, one.raw, color=colour, linewidth=0.9, linestyle=":", alpha=0.7, zorder=2)
        axes.plot(x, y, color=colour, linewidth=1.7, marker="o", markersize=3.4, zorder=3)
        if one.chosen is not None:
            at = np.interp(np.log(one.chosen), np.log(x), y)
            axes.plot(
                one.chosen, at, marker="o", markersize=9, markerfacecolor="none", markeredgecolor=colour,
                markeredgewidth=1.6, linestyle="none", zorder=4,
            )  # fmt: skip
