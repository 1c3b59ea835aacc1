"""How all figures look, and how they become SVG."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.analysis.estimates import Estimate
from fedsoft.report.colours import FAINT, GREY, INK, RULE, STRONG

WIDTH = 11.5  # inches; a page shows them at 100 pixels each

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # where it would be anyway: else what it might lie on is looked for
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


CALIBRATION = "← underconfident   ·   overconfident →"
"""Along an axis of the signed gap; what is written upwards has its arrows turned with it."""


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


def wrapped_terms(formula: str, width: int) -> str:
    """A sum of sources broken into lines before a sign."""
    lines = [""]
    for part in re.split(r" (?=[+−] )", formula):
        if lines[-1] and len(lines[-1]) + 1 + len(part) > width:
            lines.append(part)
        else:
            lines[-1] = f"{lines[-1]} {part}".strip()
    return "\n".join(lines)


def abreast(names: Sequence[str], width: float) -> int:
    """How many of a legend's entries stand side by side in a width in inches: all, or two, or one."""
    longest = [LETTER * len(name) + SAMPLE for name in names]
    if sum(longest) <= width:
        return max(len(names), 1)
    half = -(-len(longest) // 2)  # columns are filled one after another
    return 2 if max(longest[:half]) + max(longest[half:], default=0.0) <= width else 1


LETTER, SAMPLE = 0.065, 0.6
"""Inches that a letter of a legend takes on average, and what stands before and after a name."""


def heading(figure: Figure, title: str, marks: Mapping[str, Any] | None = None) -> None:
    """What the figure shows, in words, above it, and below that a legend: name to artist, a few."""
    marks = marks or {}
    title = title.replace("95 %", "95\N{NO-BREAK SPACE}%")  # which no line may end within
    legend = figure.legend(
        marks.values(), marks.keys(), loc="outside upper left",
        ncols=abreast(list(marks), figure.get_figwidth()),
        title=fill(title, int(11 * figure.get_figwidth())), alignment="left", borderpad=0.2,
    )  # fmt: skip
    legend.get_title().set(fontsize=10, fontweight="bold")


def rows_of(axes: Axes, names: Sequence[str], colours: Sequence[str], labelled: bool) -> np.ndarray:
    """Lay out one horizontal row a name, the first on top; returns their heights.

    What is written in the colour of the source on trial is bold, and so is its row's ground.
    """
    heights = np.arange(len(names))[::-1].astype(float)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_yticks(heights if labelled else [], names if labelled else [])
    axes.tick_params(axis="y", length=0)
    for label, colour in zip(axes.get_yticklabels(), colours, strict=False):
        label.set(color=colour, fontweight="bold" if colour == STRONG else "normal")
    for height, colour in zip(heights, colours, strict=True):
        if colour == STRONG:
            axes.axhspan(height - 0.5, height + 0.5, color=STRONG, alpha=0.08, linewidth=0, zorder=0)
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
    widths = [2.0 if colour == STRONG else 1.1 for colour in colours]
    axes.hlines(heights, low, high, colors=colours, linewidth=widths, alpha=0.75, zorder=2)
    axes.scatter(
        [row.estimate for row in found], heights, s=4.2**2, marker=marker, linewidths=1.0, zorder=3,
        edgecolors=colours, facecolors=colours if filled else "white",
    )  # fmt: skip


def zero_line(axes: Axes, meaning: str) -> None:
    """A line at x = 0, which says at its top what it means to lie on it."""
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    axes.annotate(
        meaning, (0, 1), xycoords=axes.get_xaxis_transform(), xytext=(0, 1), textcoords="offset points",
        ha="center", va="bottom", color=GREY, fontsize=6.5,
    )  # fmt: skip


def spread(places: np.ndarray, gap: float) -> np.ndarray:
    """The nearest places, in squares, that keep the order and lie at least a gap apart.

    With the gaps taken out that is isotonic regression; neighbours that violate it are pooled.
    """
    order = np.argsort(places, kind="stable")
    blocks: list[tuple[float, int]] = []
    for place in places[order] - gap * np.arange(len(places)):
        mean, count = float(place), 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        blocks.append((mean, count))
    moved = np.empty(len(places))
    moved[order] = np.repeat(*map(np.array, zip(*blocks, strict=True))) + gap * np.arange(len(places))
    return moved


def end_labels(axes: Axes, ends: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> None:
    """Names beside the ends (x, y) of their lines, moved apart where they would lie on each other.

    Only those in colour where there is no room for all.
    """
    size = 6.8
    low, high = axes.get_ylim()
    rows = axes.get_subplotspec().get_gridspec().nrows  # type: ignore[union-attr]
    height = 0.7 * 72 * axes.get_figure().get_figheight() / rows  # type: ignore[union-attr]
    gap = 1.15 * size / height * (high - low)
    if len(ends) * gap > high - low:
        ends = {name: end for name, end in ends.items() if colours[name] != GREY}
    if not ends:
        return
    moved = spread(np.clip([y for _, y in ends.values()], low, high), gap)
    moved -= min(max(0.0, moved.max() - high), moved.min() - low) if moved.min() > low else 0.0
    left, right = axes.get_xlim()
    for (name, (x, y)), at in zip(ends.items(), moved, strict=True):
        axes.annotate(
            name, (x, np.clip(y, low, high)), (right + 0.06 * (right - left), at), color=colours[name],
            fontsize=size, va="center", annotation_clip=False,
            fontweight="normal" if colours[name] == GREY else "bold",
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 1},
        )  # fmt: skip


MARKS = {"raw": ("o", False), "equal_confidence": ("o", True), "own_temperature": ("^", True)}
"""How the three views look, in every figure."""
MEANINGS = {
    "raw": "hollow: as predicted",
    "equal_confidence": "filled: at equal mean confidence, so that being softer counts for nothing",
    "own_temperature": "triangle: after each source's own temperature",
}
"""What they say of themselves."""


def view_marks(views: Sequence[str]) -> dict[str, Line2D]:
    """A legend's entries for views: what each is, and its mark."""
    return {
        MEANINGS[view]: Line2D(
            [], [], marker=MARKS[view][0], markersize=4.5, color=INK, markeredgewidth=1.0, linewidth=1.1,
            markerfacecolor=INK if MARKS[view][1] else "white",
        )
        for view in views
    }  # fmt: skip


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element to stand in a page, with a name for those who cannot see it."""
    buffer = io.StringIO()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not axis.label.get_text():
            axis.set_label_coords(0.5, 0.5)  # else a place is looked for, beside all tick labels
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
