"""The length of training: how each source's lead over the baseline changes from round to round."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.analysis.digest import Digest
from fedsoft.config import Endpoint
from fedsoft.report.colours import GREY
from fedsoft.report.figures.maps import planes
from fedsoft.report.figures.style import panels, style, wrapped
from fedsoft.report.shown import Shown, value_name
from fedsoft.report.words import METRICS

MOST_PANELS = 16
REACH = 0.06  # of the picture: the first rounds may leave it


def lengths(result: Digest) -> Figure | None:
    """How each source's lead over the baseline changes with the length of training, cell by cell.

    Returns:
        None where the grid has no two axes, or more cells than can be shown.
    """
    found, endpoint = planes(result), result.opened.plan.study.endpoint or Endpoint()
    if not found or len(result.cells) > MOST_PANELS:
        return None
    with style():
        rows = [(plane, up) for plane in found for up in plane.y[1]]
        figure, panes = panels(
            len(rows), len(found[0].x[1]), 0.8 + 1.5 * len(rows), sharex=True, sharey=True,
        )  # fmt: skip
        handles: dict[str, Any] = {}
        for pane_row, (plane, up) in zip(panes, rows, strict=True):
            for pane, along in zip(pane_row, plane.x[1], strict=True):
                shown = plane.cells[value_name(along), value_name(up)]
                handles |= _leads(pane, shown, endpoint.baseline)
                pane.set_title(f"{plane.x[0]} = {value_name(along)}", color=GREY)
            pane_row[0].set_ylabel(wrapped(f"{plane.y[0]}={value_name(up)}", 22))
        low, high = panes[0, 0].get_ylim()
        panes[0, 0].set_ylim(max(low, -REACH), min(high, REACH))
        figure.supxlabel("round", color=GREY, fontsize=8)
        figure.supylabel(f"{METRICS['brier']} on validation examples, less {endpoint.baseline}",
                         color=GREY, fontsize=8)  # fmt: skip
        figure.legend(handles.values(), handles, loc="outside upper left", ncols=min(len(handles), 5))
    return figure


def _leads(pane: Axes, shown: Shown, baseline: str) -> dict[str, Any]:
    """Draw Brier of each source less the baseline's, round by round, averaged over seeds."""
    pane.axhline(0, color=GREY, linewidth=0.7)
    curves = {source: shown.cell.curves.get((shown.primary, source), {}) for source in shown.sources}
    base, lines = curves[baseline].get("brier"), {}
    for source, figures in curves.items():
        brier = figures.get("brier")
        if source != baseline and base is not None and brier is not None and brier.shape == base.shape:
            mean = (brier - base).mean(axis=0)
            (lines[source],) = pane.plot(mean, color=shown.colours[source], linewidth=1.4)
    return lines
