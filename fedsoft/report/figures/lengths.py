"""The length of training: how each source's lead over the baseline changes from round to round."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.analysis.digest import Digest
from fedsoft.report.colours import BACKDROP, GREY, INK
from fedsoft.report.figures.maps import planes
from fedsoft.report.figures.multiples import pair_marks
from fedsoft.report.figures.naming import axis_name
from fedsoft.report.figures.style import end_labels, heading, panels, style, wrapped
from fedsoft.report.shown import Shown, value_name

MOST_PANELS = 16
REACH = 0.06  # of the picture: the first rounds may leave it


def lengths(result: Digest) -> Figure | None:
    """How each source's lead over the baseline changes with the length of training, cell by cell.

    Returns:
        None where the grid has no two axes, or more cells than can be shown.
    """
    found = planes(result)
    if not found or len(result.cells) > MOST_PANELS:
        return None
    shown = next(iter(found[0].cells.values()))
    baseline = shown.compared[1]
    with style():
        rows = [(plane, up) for plane in found for up in plane.y[1]]
        figure, panes = panels(
            len(rows), len(found[0].x[1]), 1.1 + 1.5 * len(rows), sharex=True, sharey=True,
        )  # fmt: skip
        ends_of: dict[Axes, dict[str, tuple[float, float]]] = {}
        for pane_row, (plane, up) in zip(panes, rows, strict=True):
            for pane, along in zip(pane_row, plane.x[1], strict=True):
                ends_of[pane] = _leads(pane, plane.cells[value_name(along), value_name(up)], baseline)
                pane.set_title(f"{axis_name(plane.x[0])} = {value_name(along)}", color=GREY)
            pane_row[0].set_ylabel(wrapped(f"{axis_name(plane.y[0])} = {value_name(up)}", 22))
        low, high = panes[0, 0].get_ylim()
        panes[0, 0].set_ylim(max(low, -REACH), min(high, REACH))
        figure.supxlabel("round", color=INK, fontsize=8)
        figure.supylabel(
            f"Brier score, source − {baseline}: below 0 the source is better", color=INK, fontsize=8
        )
        heading(
            figure, f"How far each source leads {baseline} as training goes on: means over seeds, validation "
            "examples", pair_marks(shown, list(next(iter(ends_of.values())))),
        )  # fmt: skip
        for pane in panes[:, -1]:
            end_labels(pane, ends_of[pane], shown.colours)
    return figure


def _leads(pane: Axes, shown: Shown, baseline: str) -> dict[str, tuple[float, float]]:
    """Draw Brier score of each source − the baseline's, averaged over seeds; returns where the lines end."""
    pane.axhline(0, color=INK, linewidth=0.8)
    curves = {source: shown.cell.curves.get((shown.primary, source), {}) for source in shown.sources}
    base, ends = curves[baseline].get("brier"), {}
    for source, figures in curves.items():
        brier = figures.get("brier")
        if source != baseline and base is not None and brier is not None and brier.shape == base.shape:
            mean, meant = (brier - base).mean(axis=0), source in shown.compared
            colour = shown.colours[source] if meant else BACKDROP
            pane.plot(mean, color=colour, linewidth=1.8 if meant else 1.1, zorder=3 if meant else 1.5)
            ends[source] = (len(mean) - 1.0, float(mean[-1]))
    return ends
