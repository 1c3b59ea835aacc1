"""The signed gap by stratum: who is over- or underconfident, and where."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedsoft.analysis.estimates import CONTRAST
from fedsoft.report.colours import INK
from fedsoft.report.figures.style import (
    CALIBRATION,
    MARKS,
    heading,
    interval_marks,
    panels,
    rows_of,
    style,
    view_marks,
    zero_line,
)
from fedsoft.report.shown import Shown
from fedsoft.report.words import STRATA, reference_name

VIEWS = {"raw": 0.16, "equal_confidence": -0.16}
"""Each with how far above its row it lies."""


def gaps(shown: Shown) -> Figure:
    """One column a stratum, one row of panels a reference; as predicted, and at equal confidence."""
    strata = shown.strata_of_votes
    references = [name for name in ("label", "vote") if name in shown.references]
    sources = shown.compared_first
    with style():
        figure, grid = panels(
            len(references), len(strata), 1.0 + max(0.5 + 0.21 * len(sources), 1.7) * len(references),
            width=min(11.5, 3.4 + 2.4 * len(strata)), sharex=True,
        )  # fmt: skip
        for row, reference in zip(grid, references, strict=True):
            for axes, stratum in zip(row, strata, strict=True):
                colours = [shown.colours[source] for source in sources]
                heights = rows_of(axes, sources, colours, labelled=axes is row[0])
                zero_line(axes, "as hard as easy" if stratum == CONTRAST else "calibrated")
                for view, shift in VIEWS.items():
                    found = {
                        source: (one, height + shift)
                        for source, height in zip(sources, heights, strict=True)
                        if (one := shown.estimate(source, view, reference, "signed_gap", stratum))
                    }
                    estimates, places = zip(*found.values(), strict=True) if found else ((), ())
                    interval_marks(axes, estimates, places, [shown.colours[s] for s in found], *MARKS[view])
                axes.set_title(f"{STRATA[stratum]}\n")
                axes.xaxis.set_major_locator(MaxNLocator(4))
            against = reference_name(reference, shown.crowd_name).replace(" of ", "\nof ")
            row[0].set_ylabel(f"against {against}", color=INK)
        figure.supxlabel(
            CALIBRATION.replace("·", "·   mean confidence − share right   ·"),
            color=INK,
            fontsize=8,
        )
        heading(
            figure, f"Who is too sure, who too unsure{', and where' if len(strata) > 1 else ''}: 95 % "
            f"intervals, under {shown.primary}",
            view_marks(list(VIEWS)),
        )  # fmt: skip
    return figure
