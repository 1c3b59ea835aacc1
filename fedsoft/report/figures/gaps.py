"""The signed gap by stratum: who is over- or underconfident, and where."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fedsoft.analysis.estimates import CONTRAST, HARDEST
from fedsoft.report.colours import GREY, INK
from fedsoft.report.figures.style import MARKS, interval_marks, mark_legend, panels, rows_of, style
from fedsoft.report.shown import Shown
from fedsoft.report.words import STRATA, VIEWS, reference_name

WANTED = ("all", "unanimous", "middle", HARDEST, CONTRAST)


def gaps(shown: Shown) -> Figure:
    """One column a stratum, one row of panels a reference; as predicted, and at equal confidence."""
    strata = [stratum for stratum in WANTED if stratum in shown.strata]
    references = [name for name in ("label", "vote") if name in shown.references]
    with style():
        figure, grid = panels(
            len(references), len(strata), 0.75 + max(0.5 + 0.21 * len(shown.sources), 1.7) * len(references),
            width=min(11.5, 3.4 + 2.4 * len(strata)), sharex=True,
        )  # fmt: skip
        for row, reference in zip(grid, references, strict=True):
            for axes, stratum in zip(row, strata, strict=True):
                heights = rows_of(axes, shown.sources, labelled=axes is row[0])
                axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
                for view, shift in (("raw", 0.16), ("equal_confidence", -0.16)):
                    found = {
                        source: (one, height + shift)
                        for source, height in zip(shown.sources, heights, strict=True)
                        if (one := shown.estimate(source, view, reference, "signed_gap", stratum))
                    }
                    estimates, places = zip(*found.values(), strict=True) if found else ((), ())
                    interval_marks(axes, estimates, places, [shown.colours[s] for s in found], *MARKS[view])
                axes.set_title(STRATA[stratum])
                axes.xaxis.set_major_locator(MaxNLocator(4))
            against = reference_name(reference, shown.digest.crowd).replace(" of ", "\nof ")
            row[0].set_ylabel(f"against {against}", color=INK)
        figure.supxlabel(
            "← underconfident   ·   mean confidence − share right   ·   overconfident →",
            color=INK,
            fontsize=8,
        )
        mark_legend(figure, {VIEWS[view]: MARKS[view] for view in ("raw", "equal_confidence")})
    return figure
