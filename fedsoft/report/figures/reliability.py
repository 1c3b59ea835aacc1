"""Reliability diagrams: how often predictions of each confidence are right."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.report.colours import FAINT, GREY, INK
from fedsoft.report.figures.style import mark_legend, panels, style, wrapped
from fedsoft.report.shown import Shown

BINS = 10
FEWEST = 5
"""Bins with fewer examples are not drawn."""


def reliability(shown: Shown) -> Figure:
    """One panel a source, under the primary strategy: against the label and, if there are votes, a vote."""
    with style():
        columns = min(5, len(shown.sources))
        rows = -(-len(shown.sources) // columns)
        figure, grid = panels(
            rows, columns, 0.35 + 2.45 * rows, width=2.3 * columns, sharex=True, sharey=True
        )
        for axes, source in zip(grid.flat, shown.sources, strict=False):
            confidence, hits = shown.cell.reliability[shown.primary, source]
            _panel(axes, confidence, hits, shown.colours[source], _repeats(shown))
            axes.set_title(wrapped(source, 30), color=shown.colours[source], fontweight="bold")
        for axes in list(grid.flat)[len(shown.sources) :]:
            axes.set_visible(False)
        lowest = min(shown.cell.reliability[shown.primary, source][0].min() for source in shown.sources)
        start = np.floor(min(lowest, 0.9) * BINS) / BINS
        grid[0, 0].set(
            xlim=(start, 1.0), ylim=(0.0, 1.02), xticks=np.arange(np.ceil(start * 5) / 5, 1.01, 0.2)
        )
        figure.supxlabel("confidence", color=GREY, fontsize=8)
        figure.supylabel("share right", color=GREY, fontsize=8)
        marks = {"against the label": ("o", True)}
        if "vote" in shown.references:
            marks[f"against {shown.crowd}"] = ("o", False)
        mark_legend(figure, marks)
    return figure


def _panel(
    axes: Axes, confidence: np.ndarray, hits: dict[str, np.ndarray], colour: str, repeats: float
) -> None:
    edges = np.linspace(0, 1, BINS + 1)
    place = np.clip(np.digitize(confidence, edges) - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    axes.bar(edges[:-1], 0.3 * counts / counts.max(), width=1 / BINS, align="edge", color="#d9dee4", zorder=0)
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.7, zorder=1)
    used = np.flatnonzero(counts >= FEWEST)
    x = np.array([confidence[place == n].mean() for n in used])
    # Where a calibrated model's bins would fall, 95 times in 100 (Bröcker & Smith 2007).
    reach = 1.96 * np.sqrt(x * (1 - x) / (counts[used] / repeats))
    axes.vlines(
        x, np.maximum(x - reach, 0), np.minimum(x + reach, 1), color=FAINT, linewidth=5, alpha=0.45, zorder=1
    )
    for reference, filled in (("vote", False), ("label", True)):
        if reference in hits:
            y = [hits[reference][place == n].mean() for n in used]
            axes.plot(
                x, y, color=colour, linewidth=1.3 if filled else 0.9, zorder=3,
                linestyle="-" if filled else (0, (3, 2)),
                marker="o", markersize=3.6, markerfacecolor=colour if filled else "white",
            )  # fmt: skip
    axes.text(
        0.03, 0.95, f"n = {len(confidence):,}", transform=axes.transAxes, color=GREY, fontsize=7, va="top"
    )
    axes.tick_params(labelcolor=INK)


def _repeats(shown: Shown) -> float:
    """How many seeds test each image: their predictions of one image are not independent."""
    study = shown.digest.opened.plan.study
    return max(1.0, len(study.seeds) / study.folds)
