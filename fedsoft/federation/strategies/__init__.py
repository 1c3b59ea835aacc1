"""Server strategies: Flower's own objects, or subclasses of them, behind validated options."""

from fedsoft.federation.strategies import (
    fedadam,
    fedavg,
    fedavgm,
    fedds,
    fedmedian,
    fedprox,
    fedqual,
    fedsir,
    fedtrimmedavg,
    fedyogi,
    krum,
    nucfl,
)
from fedsoft.federation.strategies.options import STRATEGIES, StrategyOptions

__all__ = [
    "STRATEGIES",
    "StrategyOptions",
    "fedadam",
    "fedavg",
    "fedavgm",
    "fedds",
    "fedmedian",
    "fedprox",
    "fedqual",
    "fedsir",
    "fedtrimmedavg",
    "fedyogi",
    "krum",
    "nucfl",
]
