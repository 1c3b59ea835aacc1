"""Maps of the training examples: how sure the model was of each, and how much that moved."""

import math

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from fedsoft.report.figures.style import panels, style
from fedsoft.report.shown import Shown
from fedsoft.streams import stream
from fedsoft.study.cartography import Atlas

MAP_POINTS = 1500
SHADES = LinearSegmentedColormap.from_list("people", ["#d3dbe2", "#56b4e9", "#332288", "#d55e00"])


def cartography(shown: Shown, atlas: Atlas) -> Figure:
    """One map a source under the primary strategy: variability by confidence, coloured by human entropy."""
    sources = [source for source in shown.sources if (shown.primary, source) in atlas.maps]
    maps = [atlas.maps[shown.primary, source] for source in sources]
    people = maps[0].people
    chosen = stream("points of the map").permutation(len(people))[:MAP_POINTS]
    chosen = chosen[np.argsort(people[chosen], kind="stable")]  # the most uncertain on top
    columns = min(4, len(sources))
    rows = math.ceil(len(sources) / columns)
    with style():
        figure, grid = panels(
            rows, columns, 0.6 + 2.4 * rows, width=2.0 + 2.4 * columns, sharex=True, sharey=True
        )
        for axes in grid.flat[len(sources) :]:
            axes.set_visible(False)
        for axes, source, lies in zip(grid.flat, sources, maps, strict=False):
            drawn = axes.scatter(
                lies.variability[chosen],
                lies.confidence[chosen],
                c=people[chosen],
                cmap=SHADES,
                vmin=0,
                vmax=float(people[chosen].max()) or 1.0,
                s=5,
                linewidths=0,
                rasterized=True,
            )
            axes.set_title(source)
        grid[0, 0].set(xlim=(0, None), ylim=(-0.02, 1.02))
        figure.supxlabel("variability over rounds", fontsize=8)
        figure.supylabel("confidence: mean probability of the label", fontsize=8)
        bar = figure.colorbar(drawn, ax=grid, shrink=0.6, aspect=25)
        bar.set_label("human entropy (nats)")
        bar.outline.set_visible(False)
    return figure
