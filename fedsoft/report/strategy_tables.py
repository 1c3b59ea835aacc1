"""Tables of how strategies compare: with the reference strategy, and in rank, needs, costs and luck."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fedsoft.analysis.contest import Measure
from fedsoft.analysis.estimates import HARDEST
from fedsoft.analysis.judgement import Judgement
from fedsoft.analysis.strategies import Comparison, Versus
from fedsoft.evaluation import Share
from fedsoft.report.numbers import duration, interval, places_for, plain, signed, size
from fedsoft.report.shown import FEW, axes_name, value_name
from fedsoft.report.tables import Cell, Table
from fedsoft.report.words import METRICS, STRATA, VIEWS

NARROW = {
    ("raw", "brier", "all"),
    ("calibrated_confidence", "brier", HARDEST),
    ("calibrated_confidence", "nll", HARDEST),
}
"""View, metric and stratum of the measures that a narrow table shows beside the first one."""


def versus_tables(found: Comparison, narrow: bool = False) -> list[tuple[str, Table]]:
    """A table a condition, with its title, if there are several; of many, one table of the first measure.

    Narrow ones leave out what strategies need, and most measures.
    """
    if len(found.conditions) > FEW:
        return [
            (f"On {measure_name(found.measures[0])}; other measures: strategies.csv", conditions_table(found))
        ]
    measures = found.measures
    if narrow:
        measures = [m for m in measures if m == measures[0] or (m.view, m.metric, m.stratum) in NARROW]
    return [(axes_name(axes), versus_table(found, axes, measures, not narrow)) for axes in found.conditions]


def versus_table(
    found: Comparison, axes: dict[str, Any], measures: Sequence[Measure], needed: bool = True
) -> Table:
    """Every strategy less the reference by some measures in a condition; of the reference its own levels."""
    rows: list[Sequence[Cell]] = []
    index = {(row.strategy, row.measure): row for row in found.rows if row.axes == axes}
    for name, needs in zip(found.strategies, found.needs, strict=True):
        some = next(one for one in found.strategies if one != found.reference)
        cells = [
            _level(index[some, measure]) if name == found.reference else _difference(index[name, measure])
            for measure in measures
        ]
        rows.append([Cell(name), *([Cell(needs)] if needed else []), *cells])
    heads = [_broken(measure_name(measure, ",\n")) for measure in measures]
    needs_head = ["needs at\nthe server"] * needed
    return Table(("strategy", *needs_head, *heads), rows, prose=(0, 1) if needed else (0,), fine=True)


def conditions_table(found: Comparison) -> Table:
    """Every strategy less the reference by the first measure, in every condition of a grid."""
    keys = list(found.conditions[0])
    others = [name for name in found.strategies if name != found.reference]
    index = {(repr(row.axes), row.strategy): row for row in found.rows if row.measure == found.measures[0]}
    rows = [
        [
            *(Cell(value_name(axes[key])) for key in keys),
            _level(index[repr(axes), others[0]]),
            *(_difference(index[repr(axes), name]) for name in others),
        ]
        for axes in found.conditions
    ]
    heads = (f"{name} −\n{found.reference}" for name in others)
    return Table((*keys, found.reference, *heads), rows, prose=tuple(range(len(keys))), fine=True)


def measure_name(measure: Measure, between: str = ", ") -> str:
    """A measure in words: its metric, on which examples, in which view."""
    metric = METRICS[measure.metric]
    metric = f"size of the {metric}" if measure.metric == "signed_gap" else metric
    parts = [metric, STRATA.get(measure.stratum, measure.stratum), VIEWS[measure.view]]
    return between.join(parts)


def _broken(head: str) -> str:
    """The head of a column, no wider than its intervals."""
    return head.replace("of the ", "of the\n").replace("equal ", "equal\n")


def _level(row: Versus) -> Cell:
    """The reference strategy's own level."""
    return Cell((signed if row.measure.metric == "signed_gap" else plain)(row.usual), "its own level")


def _difference(row: Versus) -> Cell:
    if row.verdict == "nothing was compared":
        return Cell("–", "the same models", faint=True)
    places = places_for((row.high - row.low) / 2)
    alike = "≈ " * (row.verdict == "as good")
    return Cell(
        alike + signed(row.estimate, places),
        interval(row.low, row.high, places),
        strong=row.verdict in ("better", "worse"),
        faint=row.verdict == "no verdict",
    )


def cost_table(found: Comparison) -> Table:
    """What each strategy comes to in rank, what it needs and costs, and the partition's share in it."""
    place = found.strategies.index(found.reference)
    columns = ["strategy", "needs at\nthe server", "mean\nrank", "compute,\na run", "sent,\na run"]
    columns += ["partition's share\nof the variance"] * bool(found.luck)
    rows = []
    for number, name in enumerate(found.strategies):
        row = [Cell(name), Cell(found.needs[number]), Cell(plain(float(found.ranks[number]), 2))]
        for costs, written in ((found.seconds, _seconds), (found.bytes_sent, size)):
            times = costs[number] / costs[place] if costs[place] else np.nan
            beside = "" if number == place or np.isnan(times) else f"{plain(float(times), 2)} times"
            row.append(Cell(written(float(costs[number])), beside))
        if found.luck:
            shares = [one.share for one in found.luck if one.strategy == name]
            row.append(Cell(", ".join(dict.fromkeys(map(_share, shares))) or "–"))
        rows.append(row)
    return Table(tuple(columns), rows, prose=(0, 1), fine=True)


def judgement_table(found: Comparison) -> Table | None:
    """How the clients' estimated quality ranks beside the true one; None where no strategy judges clients."""
    if not found.judgements:
        return None
    cells = list(dict.fromkeys(repr(one.axes) for one in found.judgements))
    names = {repr(one.axes): axes_name(one.axes) for one in found.judgements}
    index = {(one.strategy, repr(one.axes)): one for one in found.judgements}
    strategies = list(dict.fromkeys(one.strategy for one in found.judgements))
    rows = [
        [Cell(strategy), *(_judgement(index.get((strategy, axes))) for axes in cells)]
        for strategy in strategies
    ]
    return Table(("strategy", *(names[axes] or "rank correlation" for axes in cells)), rows)


def _judgement(one: Judgement | None) -> Cell:
    if one is None:
        return Cell("–")
    if np.isnan(one.correlation):
        return Cell("–")
    return Cell(plain(one.correlation, 2), interval(one.low, one.high, 2))


def judgement_note(found: Comparison) -> str:
    """What the figures are."""
    fewest = min(one.clients for one in found.judgements)
    return (
        "Spearman's correlation, over clients, of the quality of annotation that a strategy estimates with "
        "the true one, the share of a client's answers that equal the data's label; in the mean over seeds. "
        f"Below, the 95 % interval of one seed's {fewest} clients or more. –: it judged all alike. Where "
        "all clients are alike there is nothing to find."
    )


def _share(one: Share) -> str:
    if np.isnan(one.estimate):
        return "–"
    return f"{100 * one.estimate:.0f} % ({100 * one.low:.0f} to {100 * one.high:.0f})"


def cost_note(found: Comparison) -> str:
    """What the columns are."""
    text = (
        "Means over the runs that trained; below, times what a run of "
        f"{found.reference} takes. Compute is measured where runs share tensor programs, and depends on the "
        "machine. Sent: parameters, both ways."
    )
    if found.luck:
        text += (
            f" Partition's share: of how much the difference from {found.reference} varies from run to run, "
            "by one-way random effects over seeds that deal the data anew, with 95 % intervals"
            + ", condition by condition." * (len(found.conditions) > 1)
            + "." * (len(found.conditions) == 1)
        )
    return text


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value < 10 else duration(value)
