"""Convergence: validation figures round by round, with bands over seeds."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from fedsoft.report.colours import FAINT, GREY, INK, RULE
from fedsoft.report.figures.style import panels, style, wrapped
from fedsoft.report.shown import Shown

ROWS = {"nll": "NLL", "accuracy": "accuracy", "signed_gap": "signed gap"}


def convergence(shown: Shown, strategy: str) -> Figure | None:
    """One row a figure, sources side by side: mean and range over seeds, and the first source to compare.

    Returns:
        None where the runs have no validation examples.
    """
    curves = {
        source: shown.cell.curves[strategy, source]
        for source in shown.sources
        if (strategy, source) in shown.cell.curves
    }
    first = shown.sources[0]
    rounds = curves[first]["round"][0]
    names = [name for name in ROWS if name in curves[first]]
    if not names:
        return None
    starts = np.arange(len(curves)) * 1.18 * rounds[-1]
    with style():
        figure, grid = panels(
            len(names), 1, 0.7 + 1.35 * len(names), width=min(11.5, 1.2 + 2.2 * len(curves)), sharex=True
        )
        for axes, name in zip(grid[:, 0], names, strict=True):
            axes.grid(axis="y", color=RULE, linewidth=0.5)
            for start, (source, curve) in zip(starts, curves.items(), strict=True):
                colour, x, values = shown.colours[source], start + rounds, curve[name]
                axes.axvline(start, color=FAINT, linewidth=0.6, zorder=0)
                if source != first:
                    axes.plot(x, curves[first][name].mean(axis=0), color=FAINT, linewidth=0.9)
                axes.fill_between(
                    x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.2, linewidth=0
                )
                axes.plot(x, values.mean(axis=0), color=colour, linewidth=1.3)
                if name == names[0]:
                    axes.annotate(
                        wrapped(source, 13), (start, 1.04), xycoords=axes.get_xaxis_transform(),
                        color=colour, fontweight="bold", fontsize=7,
                    )  # fmt: skip
            if name == "signed_gap":
                axes.axhline(0, color=GREY, linewidth=0.6)
            axes.set_ylabel(ROWS[name], color=INK)
            axes.set_ylim(*_limits([curve[name] for curve in curves.values()]))
            axes.spines["left"].set_visible(False)
            axes.margins(x=0)
        ticks = np.array([0, rounds[-1] // 2, rounds[-1]])
        axes.set_xticks((starts[:, None] + ticks).ravel(), [f"{tick:.0f}" for tick in ticks] * len(starts))
        figure.supxlabel("round", color=GREY, fontsize=8)
        handles = [
            Line2D([], [], color=GREY, linewidth=1.5), Patch(color=GREY, alpha=0.25),
            Line2D([], [], color=FAINT, linewidth=1.0),
        ]  # fmt: skip
        meanings = ["mean over seeds", "lowest to highest seed", f"{first}, for comparison"]
        figure.legend(handles, meanings, loc="outside upper left", ncols=3)
    return figure


def _limits(values: list[np.ndarray]) -> tuple[float, float]:
    """A range that shows where training goes: the first tenth of the rounds may leave it."""
    late = np.concatenate([curve[:, max(1, curve.shape[1] // 10) :].ravel() for curve in values])
    low, high = float(late.min()), float(late.max())
    pad = 0.05 * max(high - low, 1e-3)
    return low - pad, high + pad
