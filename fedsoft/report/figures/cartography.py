"""Maps of the training examples: how sure the model was of each, and how much that moved."""

import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from fedsoft.analysis.cartography import Atlas
from fedsoft.report.figures.style import heading, panels, style
from fedsoft.report.shown import Shown

SHADES = LinearSegmentedColormap.from_list("people", ["#dfe5ea", "#7fb3d5", "#332288", "#d55e00"])
CELLS = 25
"""Hexagons across a map."""


def cartography(shown: Shown, atlas: Atlas) -> Figure:
    """One map a source under the primary strategy: confidence over variability, in hexagons.

    A hexagon's colour is the mean human entropy of its examples; the highest tenth share the last one.
    """
    maps = {s: atlas.maps[shown.primary, s] for s in shown.compared_first if (shown.primary, s) in atlas.maps}
    right = max(float(lies.variability.max()) for lies in maps.values()) * 1.02
    columns = min(4, len(maps))
    rows = math.ceil(len(maps) / columns)
    with style():
        figure, grid = panels(rows, columns, 0.8 + 2.4 * rows, 1.5 + 2.5 * columns, sharex=True, sharey=True)
        for axes in grid.flat[len(maps) :]:
            axes.set_visible(False)
        for axes in grid.flat[len(maps) - columns : len(maps)]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        drawn = []
        for axes, (source, lies) in zip(grid.flat, maps.items(), strict=False):
            drawn.append(
                axes.hexbin(
                    lies.variability, lies.confidence, lies.people, reduce_C_function=np.mean,
                    gridsize=(CELLS, CELLS * 4 // 7), extent=(0, right, 0, 1), cmap=SHADES, linewidths=0.1,
                )
            )  # fmt: skip
            meant = "bold" if source in shown.compared else "normal"
            axes.set_title(source, color=shown.colours[source], fontweight=meant)
            axes.set(xlim=(0, right), ylim=(0, 1.02))
        top = float(
            np.quantile(np.ma.concatenate([hexagons.get_array() for hexagons in drawn]).compressed(), 0.9)
        )
        for hexagons in drawn:
            hexagons.set_clim(0, top or 1.0)
        figure.supxlabel(
            "variability of that probability: its standard deviation over rounds; more wavering →", fontsize=8
        )
        figure.supylabel("confidence: mean probability of the label over rounds; easier ↑", fontsize=8)
        bar = figure.colorbar(drawn[0], ax=grid, shrink=0.7, aspect=30, extend="max")
        bar.set_label("human entropy (nats)")
        bar.outline.set_visible(False)
        heading(
            figure,
            "Training examples as models saw them over the rounds, and whether votes on them agree, under "
            f"{shown.primary}",
        )
    return figure
