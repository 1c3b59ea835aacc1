"""The CSV files of a study's results, but for ``results.csv``, which is written run by run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fedsoft.analysis import holdings
from fedsoft.analysis.cartography import Correlation
from fedsoft.analysis.conclusions import Conclusion
from fedsoft.analysis.estimates import Estimate
from fedsoft.analysis.pairs import Pair
from fedsoft.analysis.stability import COLUMNS, flat
from fedsoft.config import Study
from fedsoft.files import write_csv
from fedsoft.study.plan import labels


def write_tables(root: Path, study: Study, cells: Sequence[Any], conclusions: Sequence[Conclusion]) -> None:
    """Write verdicts, effects, pairs, doses, stability, holdings and, where there is any, cartography.

    Args:
        root: the study's folder.
        study: the study.
        cells: its `CellDigest`s.
        conclusions: on its endpoint.
    """
    _write_verdicts(root, study, conclusions)
    grid = tuple(study.grid)
    fields = tuple(Estimate.__dataclass_fields__)
    write_csv(
        root / "effects.csv",
        (*grid, *fields, "learned"),
        (
            (*cell.axes.values(), *(getattr(row, name) for name in fields), cell.has_learned(row))
            for cell in cells
            for row in cell.estimates
        ),
    )
    fields = tuple(Pair.__dataclass_fields__)
    write_csv(
        root / "pairs.csv",
        (*grid, *fields),
        (
            (*cell.axes.values(), *(getattr(row, name) for name in fields))
            for cell in cells
            for row in cell.pairs
        ),
    )
    trained = [arm.source is not None for arm in study.arms]
    sources = labels(study.arms)
    write_csv(
        root / "doses.csv",
        (*grid, "stratum", "source", "other", "dose"),
        (
            (*cell.axes.values(), stratum, a, b, doses[i, j])
            for cell in cells
            for stratum, doses in cell.doses.items()
            for i, a in enumerate(sources)
            for j, b in enumerate(sources)
            if i < j and trained[i] and trained[j]
        ),
    )
    write_csv(
        root / "stability.csv",
        (*grid, "strategy", "source", *COLUMNS),
        (
            (*cell.axes.values(), *key, *flat(found))
            for cell in cells
            for key, found in cell.stability.items()
        ),
    )
    held = [(cell, cell.holdings) for cell in cells if cell.holdings]
    names = max((found.class_names for _, found in held), key=len, default=())
    write_csv(
        root / "holdings.csv",
        (*grid, *holdings.COLUMNS, *(f"class {name}" for name in names)),
        ((*cell.axes.values(), *row) for cell, found in held for row in holdings.rows_of(found)),
    )
    if any(cell.atlas for cell in cells):
        fields = tuple(Correlation.__dataclass_fields__)
        write_csv(
            root / "cartography.csv",
            (*grid, "votes", *fields),
            (
                (*cell.axes.values(), cell.atlas.votes, *(getattr(row, name) for name in fields))
                for cell in cells
                if cell.atlas
                for row in cell.atlas.correlations
            ),
        )


VERDICT = ("source", "baseline", "metric", "reference", "stratum", "view", "strategy")
"""What an endpoint names, as columns of ``verdicts.csv``."""


def _write_verdicts(root: Path, study: Study, conclusions: Sequence[Conclusion]) -> None:
    if study.endpoint is None:
        return
    asked = [getattr(study.endpoint, name) for name in VERDICT]
    columns = (*study.grid, *VERDICT, "estimate", "low", "high", "margin", "verdict", "reason", "smallest")
    write_csv(
        root / "verdicts.csv",
        (*columns, "seeds"),
        (
            (
                *found.axes.values(),
                *asked,
                *(found.estimate, found.low, found.high, study.endpoint.margin_used, found.verdict),
                found.obstacle.why if found.obstacle else "",
                *(found.smallest, found.seeds),
            )
            for found in conclusions
        ),
    )
