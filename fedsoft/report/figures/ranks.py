"""Mean ranks of strategies with the critical difference."""

import numpy as np
from matplotlib.figure import Figure

from fedsoft.analysis.strategies import Comparison
from fedsoft.evaluation import cliques
from fedsoft.plural import plural
from fedsoft.report.colours import GREY, INK, PALETTE
from fedsoft.report.figures.style import heading, style
from fedsoft.report.numbers import plain

CELLS_DRAWN = 3
"""Cells from which on ranks are drawn."""
WIDE, STEP = 9.0, 0.24
"""Inches: the figure, and from one line of text to the next."""


def ranks(found: Comparison) -> Figure | None:
    """Strategies on a line of mean ranks, the best on the left; bars join those that chance may have parted.

    None with fewer than three cells.
    """
    if found.cells < CELLS_DRAWN:
        return None
    count = len(found.strategies)
    order = np.argsort(found.ranks, kind="stable")
    left, right = order[: -(-count // 2)], order[-(-count // 2) :]
    groups = cliques(found.ranks, found.critical)
    below, span = len(groups) + 1, count - 1
    rows = below + len(left)
    with style():
        figure = Figure(figsize=(WIDE, 1.3 + STEP * (rows + 3)))
        axes = figure.subplots()
        axes.set(xlim=(1 - 0.55 * span, count + 0.55 * span), ylim=(-rows - 0.5, 2.6))
        axes.axis("off")
        axes.hlines(0, 1, count, colors=INK, linewidth=1)
        for rank in range(1, count + 1):
            axes.vlines(rank, 0, 0.25, colors=INK, linewidth=1)
            axes.text(rank, 0.4, str(rank), ha="center", va="bottom", fontsize=7.5, color=GREY)
        reach = min(found.critical, span)
        more = " →" if found.critical > span else ""
        axes.hlines(1.7, 1, 1 + reach, colors=PALETTE[1], linewidth=2)
        axes.vlines([1] if more else [1, 1 + reach], 1.5, 1.9, colors=PALETTE[1], linewidth=1)
        data = plural(found.data_sets, "data set")
        axes.text(
            1,
            2.0,
            f"CD = {plain(found.critical, 2)}{more} (N = {data})",
            color=PALETTE[1],
            fontsize=7.5,
            va="bottom",
        )
        for number, group in enumerate(groups):
            ends = [float(found.ranks[group].min()), float(found.ranks[group].max())]
            pad = 0.012 * span
            axes.hlines(-0.6 - number, ends[0] - pad, ends[1] + pad, colors=GREY, linewidth=3.5)
        for side, some, edge, align in ((-1, left, 1.0, "right"), (1, right[::-1], float(count), "left")):
            for place, one in enumerate(some):
                height, mean = -below - place, float(found.ranks[one])
                end = edge + 0.04 * span * side
                axes.plot([mean, mean, end], [0, height, height], color=INK, linewidth=0.7, zorder=1)
                name = found.strategies[one]
                axes.text(
                    end + 0.015 * span * side, height, f"{name}  {plain(mean, 2)}", ha=align, va="center",
                    fontsize=8, fontweight="bold" if name == found.reference else "normal",
                )  # fmt: skip
        joined = "grey bars join what chance may have parted" if groups else "all are told apart"
        heading(figure, f"Mean ranks over {plural(found.cells, 'cell')}, 1 is best; {joined}")
    return figure
