"""The figures of a report: each a function from a study's digest, or `Series`, to a figure."""

from fedsoft.report.figures.amount import Series, amount
from fedsoft.report.figures.cartography import cartography
from fedsoft.report.figures.convergence import convergence
from fedsoft.report.figures.forest import forest
from fedsoft.report.figures.frontier import frontier
from fedsoft.report.figures.gaps import gaps
from fedsoft.report.figures.grid import grid
from fedsoft.report.figures.holdings import holdings
from fedsoft.report.figures.lengths import lengths
from fedsoft.report.figures.maps import maps
from fedsoft.report.figures.people import people
from fedsoft.report.figures.ranks import ranks
from fedsoft.report.figures.reliability import reliability
from fedsoft.report.figures.softness import softness

__all__ = [
    "Series",
    "amount",
    "cartography",
    "convergence",
    "forest",
    "frontier",
    "gaps",
    "grid",
    "holdings",
    "lengths",
    "maps",
    "people",
    "ranks",
    "reliability",
    "softness",
]
