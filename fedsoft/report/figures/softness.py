"""What sources' training targets are like, and how much they differ."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fedsoft.report.colours import INK
from fedsoft.report.figures.style import WIDTH, rows_of, style
from fedsoft.report.shown import Shown

SUMMARY = {
    "entropy": "mean entropy, nats",
    "top_mass": "mean top mass",
    "mode_shift_rate": "mode-shift rate",
}


def softness(shown: Shown) -> Figure:
    """Dots for entropy, top mass and mode shift; a triangle of doses between sources."""
    sources = [source for source in shown.sources if source in shown.cell.targets]
    place = [shown.sources.index(source) for source in sources]
    with style():
        figure = Figure(figsize=(WIDTH, 1.2 + 0.32 * len(sources)))
        grid = figure.subplots(1, 4, width_ratios=(1, 1, 1, 2.6), squeeze=False)[0]
        for axes, (name, title) in zip(grid, SUMMARY.items(), strict=False):
            heights = rows_of(axes, sources, labelled=name == "entropy")
            values = [shown.cell.targets[source].summary[name] for source in sources]
            axes.scatter(values, heights, c=[shown.colours[s] for s in sources], s=22, zorder=3)
            axes.set_title(title)
            low, high = min(values), max(values)
            pad = 0.12 * max(high - low, 0.01)
            axes.set_xlim(low - pad, high + 4 * pad)
            for height, value in zip(heights, values, strict=True):
                axes.annotate(
                    f"{value:.3f}",
                    (value, height),
                    (6, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=7,
                )
        if len(sources) > 1:
            _triangle(grid[3], sources, shown.cell.doses["all"][np.ix_(place, place)])
        else:
            grid[3].set_visible(False)
    return figure


def _triangle(axes: Axes, sources: list[str], doses: np.ndarray) -> None:
    count = len(sources)
    shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#7fb3d5"])
    top = float(np.nanmax(doses)) if np.isfinite(doses).any() else 1.0
    for i in range(1, count):
        for j in range(i):
            known = not np.isnan(doses[i, j])
            shade = shades(doses[i, j] / (top or 1.0) if known else 0.0)
            axes.add_patch(Rectangle((j - 0.5, i - 1.5), 1, 1, facecolor=shade))
            text = f"{doses[i, j]:.3f}".replace("0.", ".", 1) if known else "?"
            axes.text(j, i - 1, text, ha="center", va="center", fontsize=6.8, color=INK)
    for j, source in enumerate(sources[:-1]):  # each column's name stands on its top step
        axes.text(j - 0.4, j - 0.9, source, va="center", fontsize=7)
    axes.set(xlim=(-0.5, count + 1.5), ylim=(count - 1.5, -1.4))
    axes.set_xticks([])
    axes.set_yticks(range(count - 1), sources[1:])
    axes.tick_params(length=0, labelcolor=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_title("dose: mean total variation between two sources' targets")
