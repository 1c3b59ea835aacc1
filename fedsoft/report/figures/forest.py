"""Effects as a forest plot."""

from matplotlib.figure import Figure

from fedsoft.analysis.effects import CHAIN, difference
from fedsoft.analysis.estimates import CONTRAST, HARDEST
from fedsoft.report.colours import GREY, INK, STRONG
from fedsoft.report.figures.style import (
    MARKS,
    heading,
    interval_marks,
    panels,
    rows_of,
    style,
    view_marks,
    wrapped_terms,
    zero_line,
)
from fedsoft.report.shown import Shown
from fedsoft.report.words import METRICS, STRATA, reference_name

WANTED = ("all", HARDEST, CONTRAST)
ACROSS = {
    "brier": "← better   ·   difference in Brier score   ·   worse →",
    "signed_gap": "← less sure   ·   difference in mean confidence − share right   ·   surer →",
}


def forest(shown: Shown, reference: str) -> Figure:
    """Effects on Brier score and signed gap: columns are strata, rows of panels metrics, marks views.

    The compared pair's effect is the first row, and in colour.
    """
    strata = [stratum for stratum in WANTED if stratum in shown.strata]
    views = [view for view in MARKS if view in {row.view for row in shown.cell.estimates}]
    compared = difference(*shown.compared)
    names = sorted(shown.effects, key=lambda name: shown.effects[name] != compared)
    strong = [shown.effects[name] == compared for name in names]
    labels = [_label(name, shown.effects[name]) for name in names]
    with style():
        figure, grid = panels(
            2, len(strata), 1.2 + 2 * (0.65 + 0.31 * len(names)),
            width=min(11.5, 3.6 + 3.4 * len(strata)), sharex="row",
        )  # fmt: skip
        for row, metric in zip(grid, ACROSS, strict=True):
            for axes, stratum in zip(row, strata, strict=True):
                written = [STRONG if one else INK for one in strong]
                heights = rows_of(axes, labels, written, labelled=axes is row[0])
                axes.tick_params(axis="y", labelsize=7)
                zero_line(axes, "no difference")
                for number, view in enumerate(views):
                    found = [shown.estimate(name, view, reference, metric, stratum) for name in names]
                    places = [h + 0.24 * (1 - number) for h, row in zip(heights, found, strict=True) if row]
                    rows = [row for row in found if row]
                    plain = GREY if view == "raw" else INK
                    colours = [
                        STRONG if one else plain for one, row in zip(strong, found, strict=True) if row
                    ]
                    interval_marks(axes, rows, places, colours, *MARKS[view])
                axes.set_title(f"{METRICS[metric]}, {STRATA[stratum]}\n")
            row[len(strata) // 2].set_xlabel(ACROSS[metric], color=INK)
        against = reference_name(reference, shown.crowd_name)
        heading(
            figure, f"What changes from one source to another, against {against}, under {shown.primary}; "
            "95 % intervals", view_marks(views),
        )  # fmt: skip
    return figure


def _label(name: str, formula: str) -> str:
    """A link of the chain by name and formula; any other effect is its formula."""
    return wrapped_terms(f"{name}: {formula}" if name in CHAIN else formula, 46)
