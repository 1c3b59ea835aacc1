"""The table of a frontier: at every ε what is left of an advantage, what privacy took, what softness did."""

import math
from collections.abc import Sequence

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.frontier import Contrast, Frontier, Measure, Point
from fedsoft.report.frontier_words import BRIER, PEOPLE, settings_of
from fedsoft.report.numbers import interval, places_for, plain, signed
from fedsoft.report.tables import Cell, Table

COLUMNS: tuple[tuple[str, Contrast, Measure], ...] = (
    ("as predicted", "advantage", BRIER),
    ("equal\nconfidence", "advantage", BRIER._replace(view="equal_confidence")),
    ("own\ntemperature", "advantage", BRIER._replace(view="own_temperature")),
    ("NLL, a vote", "advantage", PEOPLE),
    ("softness\nalone", "twins", BRIER),
    ("private −\nin the clear", "toll", BRIER),
    ("private −\nsmoothed", "noise", BRIER),
    ("smoothed −\nin the clear", "softness", BRIER),
)
"""Heads of the columns of differences, each with what it is of."""


def frontier_table(result: Digest, found: Frontier) -> Table:
    """The pair at every ε in every setting."""
    source, baseline = result.opened.plan.study.pair
    index = {(one.contrast, repr(one.rest), one.measure, one.epsilon): one for one in found.points}
    kept = [column for column in COLUMNS if any(one.measure == column[2] for one in found.points)]
    rows: list[Sequence[Cell]] = []
    for name, rest, _ in settings_of(result, found):
        rows.append([Cell(name)])
        for epsilon in found.values:
            cells = [index.get((contrast, repr(rest), measure, epsilon)) for _, contrast, measure in kept]
            if any(cells):
                rows.append([Cell("∞" if math.isinf(epsilon) else f"{epsilon:g}"), *_levels(cells[0]),
                             *map(_difference, cells)])  # fmt: skip
    apart = sum(contrast in ("advantage", "twins") for _, contrast, _ in kept)
    groups = (("", 1), ("Brier score", 2), (f"{source} − {baseline}", apart), (source, len(kept) - apart))
    return Table(("ε", source, baseline, *(head for head, _, _ in kept)), rows, groups=groups, fine=True)


def _levels(advantage: Point | None) -> tuple[Cell, Cell]:
    if advantage is None:
        return Cell("–"), Cell("–")
    return Cell(plain(advantage.level)), Cell(plain(advantage.usual))


def _difference(one: Point | None) -> Cell:
    """A difference with its interval, strong where a verdict rests on it."""
    if one is None:
        return Cell("–")
    places = places_for((one.high - one.low) / 2)
    return Cell(
        signed(one.estimate, places),
        interval(one.low, one.high, places),
        strong=one.verdict in ("better", "worse"),
        faint=one.verdict == "no verdict",
    )
