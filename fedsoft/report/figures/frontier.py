"""What privacy takes away: four figures of every source along ε, a row of panels a setting."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.frontier import Frontier, rest_of
from fedsoft.report.colours import GREY, INK, PALETTE, RULE, STRONG
from fedsoft.report.figures.grid import MOST_RESTS, positions
from fedsoft.report.figures.style import heading, panels, style
from fedsoft.report.frontier_words import setting_name
from fedsoft.report.shown import Shown, value_name, with_results
from fedsoft.supervision import NoiseMatched

MOST_LINES = 8
PANELS = {
    ("raw", "label", "accuracy"): "accuracy: higher is better",
    ("raw", "label", "brier"): "Brier score: lower is better",
    ("equal_confidence", "label", "signed_gap"): "signed gap, equal confidence",
    ("raw", "vote", "kl"): "KL to people: lower is better",
}
"""View, reference and metric of the columns, and how to read them."""


def frontier(result: Digest) -> Figure | None:
    """Accuracy, Brier score, signed gap at equal confidence, and KL to people, along ε.

    Returns:
        None where there is no frontier, or its settings are more than can be shown.
    """
    found = result.frontier
    if found is None or len(found.rests) > MOST_RESTS:
        return None
    shown = with_results(result)
    kept = {key: title for key, title in PANELS.items() if key[1] in shown[0].references}
    looks = _looks(shown[0])
    with style():
        figure, panes = panels(
            len(found.rests), len(kept), 1.2 + 2.5 * len(found.rests), sharex=True, sharey="col"
        )
        for row, rest in zip(panes, found.rests, strict=True):
            cells = {
                float(one.cell.axes[found.axis]): one
                for one in shown
                if rest_of(one.cell.axes, found.axis) == rest
            }
            for pane, (key, title) in zip(row, kept.items(), strict=True):
                _panel(pane, cells, found, key, looks)
                if rest == found.rests[0]:
                    pane.set_title(title)
                if key[2] == "signed_gap":
                    pane.axhline(0, color=GREY, linewidth=0.8, zorder=1)
            row[0].set_ylabel(_row_name(next(iter(cells.values())), found) if cells else "", color=INK)
            row[0].set_xticks(positions(found.values), [value_name(value) for value in found.values])
        figure.supxlabel(f"privacy loss ε {_whose(shown[0], found)}", color=INK, fontsize=8)
        heading(
            figure,
            f"What privacy takes away, under {shown[0].primary}; bars: 95 % intervals",
            {name: Line2D([], [], **look) for name, look in looks.items()},
        )
    return figure


def _row_name(shown: Shown, found: Frontier) -> str:
    """What is private in a row of panels, part by part."""
    return setting_name(shown, found.axis).replace("; ", ",\n").replace(", ε", "\nε")


def _whose(shown: Shown, found: Frontier) -> str:
    return "of labels" if found.axis.startswith("privacy.labels") else "of models"


def _looks(shown: Shown) -> dict[str, dict[str, Any]]:
    """How lines look: the study's sources, the pair with a private temperature, its source smoothed in the
    clear."""
    source, baseline = shown.study.pair
    others = iter(PALETTE[1:])
    looks: dict[str, dict[str, Any]] = {}
    for one in (arm for arm in shown.study.arms if arm.source and arm.label() == arm.source.label()):
        chosen, name = one.source, one.label()
        if isinstance(chosen, NoiseMatched):
            if chosen.of.label() == source:
                looks[name] = {"color": STRONG, "linestyle": "--", "linewidth": 1.3}
            continue
        colour = STRONG if name == source else INK if name == baseline else next(others, None)
        if colour:
            looks[name] = {
                "color": colour,
                "linestyle": "-",
                "linewidth": 1.6,
                "marker": "o",
                "markersize": 3.4,
            }
    for arm in shown.study.rivals:
        name = arm.source.label() if arm.source else ""
        if arm.calibration and name in (source, baseline) and len(looks) < MOST_LINES:
            own = {"linestyle": ":", "marker": "o", "markerfacecolor": "white", "markersize": 3.4}
            looks[arm.label()] = {"color": STRONG if name == source else INK, "linewidth": 1.2, **own}
    return looks


def _panel(
    pane: Axes,
    cells: dict[float, Shown],
    found: Frontier,
    key: tuple[str, str, str],
    looks: dict[str, dict[str, Any]],
) -> None:
    pane.grid(axis="y", color=RULE, linewidth=0.5)
    x = positions(found.values)
    for name, look in looks.items():
        rows = [
            cells[value].estimate(name, *key, "all") if value in cells else None for value in found.values
        ]
        y, low, high = (
            np.array([math.nan if row is None else getattr(row, end) for row in rows])
            for end in ("estimate", "low", "high")
        )
        pane.vlines(x, low, high, color=look["color"], linewidth=1.1, alpha=0.5, zorder=2)
        pane.plot(x, y, zorder=3, **look)
