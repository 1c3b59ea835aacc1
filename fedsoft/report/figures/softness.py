"""What sources' training targets are like, and how much they differ."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fedsoft.report.colours import INK, STRONG
from fedsoft.report.figures.style import WIDTH, heading, rows_of, style
from fedsoft.report.shown import Shown

SUMMARY = {
    "entropy": ("mean entropy\n(nats)", "softer →"),
    "top_mass": ("mean mass of\nthe top class", "← softer"),
    "mode_shift_rate": ("share whose top class\nis not the label", "corrected or wrong →"),
}

SMALLEST = 4.5
"""Type that can be read, in points: where there is no room for it, shades must do."""


def softness(shown: Shown) -> Figure:
    """Dots for entropy, top mass and mode shift; a triangle of doses between sources."""
    sources = _different(shown)
    place = [shown.sources.index(source) for source in sources]
    colours = [shown.colours[source] for source in sources]
    with style():
        figure = Figure(figsize=(WIDTH, 1.6 + 0.32 * len(sources)))
        grid = figure.subplots(1, 4, width_ratios=(1, 1, 1, 3), squeeze=False)[0]
        for axes, (name, (title, direction)) in zip(grid, SUMMARY.items(), strict=False):
            heights = rows_of(axes, sources, colours, labelled=name == "entropy")
            values = [shown.cell.targets[source].summary[name] for source in sources]
            axes.scatter(values, heights, c=colours, s=22, zorder=3)
            axes.set_title(title)
            axes.set_xlabel(direction)
            low, high = min(values), max(values)
            pad = 0.12 * max(high - low, 0.01)
            axes.set_xlim(low - pad, high + 4 * pad)
            for height, value, colour in zip(heights, values, colours, strict=True):
                axes.annotate(
                    f"{value:.3f}", (value, height), (6, 0), textcoords="offset points", va="center",
                    fontsize=7, color=colour,
                )  # fmt: skip
        if len(sources) > 1:
            _triangle(
                grid[3], sources, colours, shown.cell.doses["all"][np.ix_(place, place)], shown.compared
            )
        else:
            grid[3].set_visible(False)
        heading(
            figure, "How soft the training targets of each source are, and how far apart those of any two"
        )
    return figure


def _different(shown: Shown) -> list[str]:
    """The sources, without rivals that train on the very targets of one of them, unless they are compared."""
    own = {label: arm.source.label() for label, arm in shown.arms.items() if arm.source}
    return [
        label
        for label in shown.compared_first
        if label in own
        and label in shown.cell.targets
        and (label in shown.compared or own[label] == label or own[label] not in shown.cell.targets)
    ]


def _triangle(
    axes: Axes, sources: list[str], colours: list[str], doses: np.ndarray, pair: tuple[str, str]
) -> None:
    """Doses in the rows of the dots; a column's name stands on its top step."""
    count = len(sources)
    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#9aa7b5"])
    top = float(np.nanmax(doses)) if np.isfinite(doses).any() else 1.0
    size = min(6.8, 120 / count)
    for i in range(1, count):
        for j in range(i):
            known, height = not np.isnan(doses[i, j]), count - 1 - i
            meant = {sources[i], sources[j]} == set(pair)
            axes.add_patch(
                Rectangle(
                    (j - 0.5, height - 0.5), 1, 1, linewidth=2, zorder=2 if meant else 1,
                    facecolor=shades(doses[i, j] / (top or 1.0) if known else 0.0),
                    edgecolor=STRONG if meant else "none",
                )
            )  # fmt: skip
            if size >= SMALLEST:
                text = f"{doses[i, j]:.3f}".replace("0.", ".", 1) if known else "?"
                axes.text(
                    j, height, text, ha="center", va="center", fontsize=size, zorder=3,
                    color=STRONG if meant else INK, fontweight="bold" if meant else "normal",
                )  # fmt: skip
    for j, (source, colour) in enumerate(zip(sources[:-1], colours, strict=False)):
        axes.text(j - 0.45, count - 1.12 - j, source, va="center", fontsize=7, color=colour)
    axes.set(xlim=(-0.5, 1.3 * count), ylim=(-0.7, count - 0.3))
    axes.set_axis_off()
    axes.set_title(
        "dose: mean total variation between two sources' targets,\n"
        "row against column (0: the same, 1: nothing in common)"
    )
