"""Effects as a forest plot."""

from matplotlib.figure import Figure

from fedsoft.analysis.estimates import CONTRAST, HARDEST
from fedsoft.report.colours import FAINT, GREY, INK
from fedsoft.report.figures.style import MARKS, interval_marks, mark_legend, panels, rows_of, style
from fedsoft.report.shown import Shown
from fedsoft.report.words import METRICS, STRATA, VIEWS

WANTED = ("all", HARDEST, CONTRAST)
COLOURS = {"raw": GREY, "equal_confidence": INK, "own_temperature": "#0072b2"}


def forest(shown: Shown, reference: str) -> Figure:
    """Effects on Brier score and signed gap: columns are strata, rows of panels metrics, marks views."""
    strata = [stratum for stratum in WANTED if stratum in shown.strata]
    views = [view for view in MARKS if view in {row.view for row in shown.cell.estimates}]
    names = list(shown.effects)
    with style():
        figure, grid = panels(
            2, len(strata), 0.8 + 2 * (0.45 + 0.27 * len(names)),
            width=min(11.5, 3.6 + 3.4 * len(strata)), sharex="row",
        )  # fmt: skip
        for row, metric in zip(grid, ("brier", "signed_gap"), strict=True):
            for axes, stratum in zip(row, strata, strict=True):
                heights = rows_of(axes, names, labelled=axes is row[0])
                axes.axvline(0, color=FAINT, linewidth=0.9, zorder=1)
                for number, view in enumerate(views):
                    found = [shown.estimate(name, view, reference, metric, stratum) for name in names]
                    places = [h + 0.24 * (1 - number) for h, row in zip(heights, found, strict=True) if row]
                    rows = [row for row in found if row]
                    interval_marks(axes, rows, places, [COLOURS[view]] * len(rows), *MARKS[view])
                axes.set_title(f"{METRICS[metric]}, {STRATA[stratum]}")
        mark_legend(figure, {VIEWS[view]: MARKS[view] for view in views})
    return figure
