"""Reliability diagrams: how often predictions of each confidence are right."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.report.colours import BACKDROP, GREY, INK, RULE
from fedsoft.report.figures.multiples import backdrop, baseline_line, pair_and_rest, pair_marks
from fedsoft.report.figures.style import heading, style
from fedsoft.report.shown import Shown

BINS = 10
FEWEST = 5
"""Bins with fewer examples are not drawn."""


@dataclass(frozen=True)
class Bins:
    """One source's predictions by confidence, of the bins that hold enough of them.

    Attributes:
        shares: (BINS,) share of all predictions in each bin, the sparse ones too.
        x: (B,) mean confidence.
        reach: (B,) how far from x a calibrated model's share right would lie, 95 times in 100.
        right: (B,) share right, by reference.
    """

    shares: np.ndarray
    x: np.ndarray
    reach: np.ndarray
    right: dict[str, np.ndarray]


def reliability(shown: Shown) -> Figure:
    """The compared pair large, against the label and, if there are votes, a vote; every other source small.

    All under the primary strategy.
    """
    found = {source: _bins(shown, source) for source in shown.compared_first}
    pair = [source for source in found if source in shown.compared]
    rest = [source for source in found if source not in shown.compared]
    against = (
        {"label": "the label", "vote": shown.crowd} if "vote" in shown.references else {"label": "the label"}
    )
    start = min([0.9, *(bins.x.min() for bins in found.values() if len(bins.x))])
    start = np.floor(start * BINS) / BINS
    with style():
        figure, large, small = pair_and_rest(len(against) + 1, rest)
        for axes, (reference, name) in zip(large, against.items(), strict=False):
            backdrop(axes, _lines(found, reference), pair)
            for source, aside in zip(pair, (-0.006, 0.006), strict=False):
                _expected(axes, found[source], aside, shown.colours[source])
                axes.plot(*_lines(found, reference)[source], color=shown.colours[source], linewidth=1.8,
                          marker="o", markersize=4, zorder=4)  # fmt: skip
            _diagonal(axes, start)
            axes.set_title(f"share right, against {name}")
            axes.set(
                xlabel="confidence (diagonal and bars: where a calibrated model would lie)", ylim=(0, 1.02)
            )
            _sides(axes)
        _confidence(large[-1], shown, found, start)
        for source, axes in small.items():
            lines = _lines(found, "label")
            backdrop(axes, lines, (source, *pair))
            baseline_line(axes, lines[shown.compared[1]])
            _diagonal(axes, start)
            for reference, line in (("vote", (0, (2, 1.5))), ("label", "-")):
                if reference in against:
                    filled = reference == "label"
                    axes.plot(*_lines(found, reference)[source], color=GREY, linewidth=1.4 if filled else 0.8,
                              linestyle=line, marker="o", markersize=3.2, zorder=3,
                              markerfacecolor=GREY if filled else "white")  # fmt: skip
            axes.set(ylim=(0, 1.02))
        if small:
            marks = "; filled: against the label, hollow: against a vote" * ("vote" in against)
            each = f"one other source a panel, over all the others{marks}; dashed: {shown.compared[1]}"
            figure.supxlabel(f"{each}\nacross: confidence; up: share right", color=INK, fontsize=8)
        heading(
            figure, f"How often predictions of each confidence are right, under {shown.primary}",
            pair_marks(shown, list(found)),
        )  # fmt: skip
    return figure


def _bins(shown: Shown, source: str) -> Bins:
    confidence, hits = shown.cell.reliability[shown.primary, source]
    place = np.clip(np.digitize(confidence, np.linspace(0, 1, BINS + 1)) - 1, 0, BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    used = np.flatnonzero(counts >= FEWEST)
    sums = np.bincount(place, confidence, BINS)
    x = sums[used] / counts[used]
    return Bins(
        shares=counts / max(counts.sum(), 1),
        x=x,
        # Bröcker & Smith 2007.
        reach=1.96 * np.sqrt(x * (1 - x) / (counts[used] / _repeats(shown))),
        right={name: np.bincount(place, hit, BINS)[used] / counts[used] for name, hit in hits.items()},
    )


def _lines(found: dict[str, Bins], reference: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {source: (bins.x, bins.right[reference]) for source, bins in found.items()}


def _expected(axes: Axes, bins: Bins, aside: float, colour: str) -> None:
    low, high = np.maximum(bins.x - bins.reach, 0), np.minimum(bins.x + bins.reach, 1)
    axes.vlines(bins.x + aside, low, high, color=colour, linewidth=4, alpha=0.16, zorder=2)


def _diagonal(axes: Axes, start: float) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=1.5)
    axes.set(xlim=(start, 1.005), xticks=np.arange(np.ceil(start * 5) / 5, 1.01, 0.2))


def _sides(axes: Axes) -> None:
    """What lies on either side of the diagonal."""
    for x, y, text, across, up in (
        (0.02, 0.97, "↑ underconfident", "left", "top"),
        (0.98, 0.03, "overconfident ↓", "right", "bottom"),
    ):
        axes.text(x, y, text, transform=axes.transAxes, color=GREY, fontsize=7, ha=across, va=up, zorder=5)


def _confidence(axes: Axes, shown: Shown, found: dict[str, Bins], start: float) -> None:
    """How many of the predictions are how confident."""
    edges = np.linspace(0, 1, BINS + 1)
    for source, bins in reversed(found.items()):
        meant = source in shown.compared
        axes.stairs(bins.shares, edges, color=shown.colours[source] if meant else BACKDROP,
                    linewidth=1.8 if meant else 0.7, zorder=3 if meant else 1)  # fmt: skip
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    count = len(shown.cell.reliability[shown.primary, shown.sources[0]][0])
    axes.set_title(f"share of the {count:,} predictions")
    axes.set(xlim=(start, 1.005), xlabel="confidence", ylim=(0, None))


def _repeats(shown: Shown) -> float:
    """How many seeds test each image: their predictions of one image are not independent."""
    study = shown.digest.opened.plan.study
    return max(1.0, len(study.seeds) / study.folds)
