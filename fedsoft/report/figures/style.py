"""How all figures look, and how they become SVG."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.analysis.estimates import Estimate
from fedsoft.report.colours import FAINT, GREY, INK, RULE

WIDTH = 11.5  # inches; a page shows them at 100 pixels each

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.titlelocation": "left",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.labelcolor": GREY,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": GREY,
    "ytick.labelcolor": INK,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "text.color": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "svg.fonttype": "none",
    "figure.dpi": 72,  # an SVG's, so that layout measures what will be drawn
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.08,
}


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib with the report's looks, whatever the surrounding program has set."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


def panels(
    rows: int, columns: int, height: float, width: float = WIDTH, **shared: Any
) -> tuple[Figure, np.ndarray]:
    """A figure of (rows, columns) panels, apart from matplotlib's global state."""
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, squeeze=False, **shared)


def wrapped(label: str, width: int = 14) -> str:
    """A source's label broken into lines after an underscore or before and within its options."""
    lines = [""]
    for part in re.findall(r"\(?[^_(=,]*[_=,]?", label):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(line for line in lines if line)


def rows_of(axes: Axes, names: Sequence[str], labelled: bool) -> np.ndarray:
    """Lay out one horizontal row a name, the first on top; returns their heights."""
    heights = np.arange(len(names))[::-1].astype(float)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_yticks(heights if labelled else [], names if labelled else [])
    axes.tick_params(axis="y", length=0)
    across = axes.get_yaxis_transform()
    axes.hlines(heights, 0, 1, transform=across, colors=RULE, linewidth=0.5, zorder=0)
    axes.spines["left"].set_visible(False)
    return heights


def interval_marks(
    axes: Axes, found: Sequence[Estimate], heights: Sequence[float], colours: Sequence[str],
    marker: str, filled: bool,
) -> None:  # fmt: skip
    """Estimates with their intervals, lying, all of one kind: two artists, however many they are."""
    low, high = [row.low for row in found], [row.high for row in found]
    axes.hlines(heights, low, high, colors=colours, linewidth=1.1, alpha=0.75, zorder=2)
    axes.scatter(
        [row.estimate for row in found], heights, s=4.2**2, marker=marker, linewidths=1.0, zorder=3,
        edgecolors=colours, facecolors=colours if filled else "white",
    )  # fmt: skip


def mark_legend(figure: Figure, marks: dict[str, tuple[str, bool]], colour: str = INK) -> None:
    """A legend above the figure for marks: name to marker and whether it is filled."""
    handles = [
        Line2D([], [], marker=marker, markersize=4.5, color=colour, markeredgewidth=1.0, linewidth=1.1,
               markerfacecolor=colour if filled else "white")
        for marker, filled in marks.values()
    ]  # fmt: skip
    figure.legend(handles, list(marks), loc="outside upper left", ncols=len(marks))


MARKS = {"raw": ("o", False), "equal_confidence": ("o", True), "own_temperature": ("^", True)}
"""How the three views look, in every figure."""


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element to stand in a page, with a name for those who cannot see it."""
    buffer = io.StringIO()
    if engine := figure.get_layout_engine():  # once; savefig would draw the whole figure for it
        engine.execute(figure)
        figure.set_layout_engine("none")
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(buffer)  # savefig would draw it twice
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    # Identifiers that matplotlib numbers would be met again in the page's other figures.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]*)"[^>]*>',
        rf'<svg viewBox="\1" role="img" aria-label="{escape(name)}">',
        text,
        count=1,
    )
