"""Two axes of a grid as a map: where each source helps, and where it hurts."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.effects import View
from fedsoft.analysis.estimates import Estimate
from fedsoft.config import Endpoint
from fedsoft.report.colours import INK
from fedsoft.report.figures.naming import axis_name
from fedsoft.report.figures.style import WIDTH, heading, panels, style, wrapped
from fedsoft.report.numbers import signed
from fedsoft.report.shown import Shown, value_name
from fedsoft.report.words import METRICS, VIEWS

COLOURS = "PuOr_r"  # violet below zero, orange above
MAP_VIEWS: tuple[View, ...] = ("raw", "own_temperature")


@dataclass(frozen=True)
class Plane:
    """The cells of a grid that differ in two axes only.

    Attributes:
        x: the axis that runs along, and its values.
        y: the axis that runs up, and its values.
        rest: what all its cells share, in words.
        cells: cell by (x value, y value), both as words.
    """

    x: tuple[str, list[Any]]
    y: tuple[str, list[Any]]
    rest: str
    cells: dict[tuple[str, str], Shown]


def planes(result: Digest) -> list[Plane]:
    """A grid's last two axes of several values, once for each combination of the others; else nothing."""
    axes = {key: list(values) for key, values in result.opened.plan.study.grid.items() if len(values) > 1}
    if len(axes) < 2:
        return []
    y, x = list(axes.items())[-2:]
    found: dict[str, dict[tuple[str, str], Shown]] = {}
    for cell in result.cells:
        others = {key: value for key, value in cell.axes.items() if key not in (x[0], y[0]) and key in axes}
        rest = ", ".join(f"{axis_name(key)} = {value_name(value)}" for key, value in others.items())
        at = value_name(cell.axes[x[0]]), value_name(cell.axes[y[0]])
        found.setdefault(rest, {})[at] = Shown(result, cell)
    return [Plane(x, y, rest, cells) for rest, cells in found.items()]


def maps(result: Digest) -> Figure | None:
    """Every source − the baseline on the endpoint's metric, over two axes of the grid.

    A column of panels a source, a row a view (and the grid's other axes). A thick line parts the cells in
    which the source hurts, its 95 % interval above zero, from the others.
    """
    found = planes(result)
    if not found:
        return None
    first = next(iter(found[0].cells.values()))
    endpoint = result.opened.plan.study.endpoint or Endpoint(
        source=first.compared[0], baseline=first.compared[1]
    )
    others = [source for source in first.compared_first if source != endpoint.baseline]
    rows = [(plane, view) for plane in found for view in MAP_VIEWS]
    with style():
        figure, panes = panels(
            len(rows), len(others), 1.1 + len(rows) * (0.7 + 0.3 * len(found[0].y[1])),
            width=min(WIDTH, 1.6 + 2.9 * len(others)), sharex=True, sharey=True,
        )  # fmt: skip
        tables = [[_table(plane, source, view, endpoint) for source in others] for plane, view in rows]
        known = [abs(e.estimate) for row in tables for table in row for e in table.ravel() if e is not None]
        reach = max((value for value in known if not math.isnan(value)), default=1.0) or 1.0
        for pane_row, table_row, (plane, view) in zip(panes, tables, rows, strict=True):
            for pane, table, source in zip(pane_row, table_row, others, strict=True):
                _map(pane, table, reach)
                bold = "bold" if source == endpoint.source else "normal"
                pane.set_title(wrapped(source, 26), color=first.colours[source], fontweight=bold)
            note = f"{VIEWS[view]}{', ' + plane.rest if plane.rest else ''}"
            pane_row[0].set_ylabel(f"{note}\n{axis_name(plane.y[0])}")
            pane_row[0].set_yticks(range(len(plane.y[1])), [value_name(value) for value in plane.y[1]])
            pane_row[0].set_xticks(range(len(plane.x[1])), [value_name(value) for value in plane.x[1]])
        figure.supxlabel(axis_name(found[0].x[0]), color=INK, fontsize=8)
        good = "0 is calibrated" if endpoint.metric == "signed_gap" else "lower is better"
        heading(
            figure,
            f"Where each source is below (violet) or above (orange) {endpoint.baseline}: "
            f"{METRICS[endpoint.metric]} ({good}), source − {endpoint.baseline}, in thousandths",
            {
                "parts the cells that are above 0 beyond their 95 % interval (bold: on either side)": Line2D(
                    [], [], color=INK, linewidth=2
                )
            },
        )
    return figure


def _table(plane: Plane, source: str, view: View, endpoint: Endpoint) -> np.ndarray:
    """(y, x) estimates of a source − the baseline; None where there is none."""
    where = view, endpoint.reference, endpoint.metric, endpoint.stratum
    table = np.full((len(plane.y[1]), len(plane.x[1])), None, dtype=object)
    for i, up in enumerate(plane.y[1]):
        for j, along in enumerate(plane.x[1]):
            shown = plane.cells[value_name(along), value_name(up)]
            table[i, j] = shown.difference(source, endpoint.baseline, *where)
    return table


def _map(pane: Axes, table: np.ndarray, reach: float) -> None:
    values = np.array([[math.nan if e is None else e.estimate for e in row] for row in table])
    pane.imshow(values, cmap=COLOURS, norm=TwoSlopeNorm(0, -reach, reach), aspect="auto", origin="lower")
    pane.tick_params(length=0)
    for spine in pane.spines.values():
        spine.set_visible(False)
    for (i, j), found in np.ndenumerate(table):
        if found is not None and not math.isnan(found.estimate):
            pane.text(
                j, i, signed(1000 * found.estimate, 0), ha="center", va="center", fontsize=7,
                color="white" if abs(found.estimate) > 0.6 * reach else INK,
                fontweight="bold" if found.low > 0 or found.high < 0 else "normal",
            )  # fmt: skip
    for xs, ys in border(np.array([[_hurts(e) for e in row] for row in table])):
        pane.plot(xs, ys, color=INK, linewidth=2, solid_capstyle="butt")


def _hurts(found: Estimate | None) -> bool:
    return found is not None and found.low > 0


def border(inside: np.ndarray) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """The edges (xs, ys) between unlike neighbours of a boolean (rows, columns); cells lie on integers."""
    for i, j in zip(*np.nonzero(inside[:, 1:] != inside[:, :-1]), strict=True):
        yield (j + 0.5, j + 0.5), (i - 0.5, i + 0.5)
    for i, j in zip(*np.nonzero(inside[1:] != inside[:-1]), strict=True):
        yield (j - 0.5, j + 0.5), (i + 0.5, i + 0.5)
