"""The doses of effects: how far apart the targets are that each effect compares."""

from fedsoft.analysis.effects import CHAIN, effects_of
from fedsoft.report.numbers import plain
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table
from fedsoft.report.words import STRATA


def dose_table(shown: Shown) -> Table | None:
    """The dose of each effect of the chain that is a difference of two sources, by stratum.

    Returns:
        None where the study has no such effect.
    """
    rows = []
    for effect in effects_of(shown.sources, shown.sources[0]):
        signs = effect.coefficients.tolist()
        if effect.name in CHAIN and sorted(filter(None, signs)) == [-1, 1]:
            pair = signs.index(1), signs.index(-1)
            doses = (Cell(plain(float(doses[pair]))) for doses in shown.cell.doses.values())
            rows.append([Cell(effect.name, effect.formula), *doses])
    if not rows:
        return None
    return Table(("effect", *(STRATA[stratum] for stratum in shown.cell.doses)), rows)
