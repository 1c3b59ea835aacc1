"""What people differ in: a dot a person, beside where people who are alike would lie."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from fedsoft.annotators.crowd import KnownCrowd
from fedsoft.annotators.spread import ENOUGH, Spread
from fedsoft.report.colours import BACKDROP, INK, PALETTE
from fedsoft.report.figures.style import WIDTH, heading, rows_of, style
from fedsoft.report.people_words import widest

MOST = 12
"""Classes shown: those in which people differ most."""
APART = PALETTE[1]


def people(crowd: KnownCrowd) -> Figure | None:
    """One row for how often people agree with the others, and one a class for how often they answer it.

    None where fewer than two people gave many answers.
    """
    found = crowd.differences
    if found is None:
        return None
    everybody, enough = crowd.people, crowd.people.answers >= ENOUGH
    standing = everybody.standing
    shown, leans = sorted(widest(found)[:MOST]), standing.says_more
    if len(found.says) == 2:  # the other class mirrors it
        shown, leans = widest(found)[:1], np.repeat(leans.any(axis=1, keepdims=True), 2, axis=1)
    agreement = [] if found.agreement is None else [found.agreement]
    heights = [1.0] * len(agreement) + [float(len(shown))]
    with style():
        figure = Figure(figsize=(WIDTH, 1.0 + sum(0.5 + 0.44 * rows for rows in heights)))
        grid = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
        if agreement:
            apart = standing.less | standing.more
            _rows(
                grid[0], ["agrees with the others"], agreement, [everybody.agreement.share[enough]],
                [apart[enough]], "share of the others' answers to the same items that are a person's own",
            )  # fmt: skip
        _rows(
            grid[-1], [f"says “{crowd.class_names[c]}”" for c in shown], [found.says[c] for c in shown],
            [everybody.says[enough, c] for c in shown], [leans[enough, c] for c in shown],
            "share of a person's answers",
        )  # fmt: skip
        marks = {
            "one person": Line2D([], [], marker="o", linestyle="none", markersize=3.5, color=INK),
            "stands out": Line2D([], [], marker="o", linestyle="none", markersize=3.5, color=APART),
            "middle 80 % of people": Line2D([], [], color=INK, linewidth=2),
            "the same, were they alike": Patch(color=BACKDROP),
        }
        heading(
            figure,
            f"What {found.people:,} people with {ENOUGH} answers or more differ in, beside chance",
            marks,
        )
    return figure


def _rows(
    axes: Axes, names: list[str], spreads: list[Spread], values: list[np.ndarray], apart: list[np.ndarray],
    meaning: str,
) -> None:  # fmt: skip
    """One row a name: a band for people who are alike, a bar for people, and a dot for each of them."""
    heights = rows_of(axes, names, [INK] * len(names), labelled=True)
    for height, spread, value, out in zip(heights, spreads, values, apart, strict=True):
        axes.fill_betweenx(
            [height - 0.36, height + 0.36], spread.chance_low, spread.chance_high, color=BACKDROP, linewidth=0
        )
        axes.hlines(height - 0.36, spread.low, spread.high, colors=INK, linewidth=2, zorder=3)
        # Neighbours in value lie at different heights: multiples of the golden ratio are far apart.
        place = np.empty(len(value))
        place[np.argsort(value, kind="stable")] = (np.arange(len(value)) * 0.618034) % 1
        for some, colour, size in ((~out, INK, 7), (out, APART, 11)):
            axes.scatter(
                value[some], height - 0.24 + 0.54 * place[some], s=size, color=colour, linewidths=0, zorder=4,
                alpha=0.9 if len(value) < 100 else 0.55,
            )  # fmt: skip
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.set_xlabel(meaning)
