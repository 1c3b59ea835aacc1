"""Server strategies: Flower's own objects behind validated options."""

from fedsoft.federation.strategies import (
    fedadam,
    fedavg,
    fedavgm,
    fedmedian,
    fedprox,
    fedtrimmedavg,
    fedyogi,
    krum,
    scaffold,
)
from fedsoft.federation.strategies.options import STRATEGIES, StrategyOptions, told_apart

__all__ = [
    "STRATEGIES",
    "StrategyOptions",
    "fedadam",
    "fedavg",
    "fedavgm",
    "fedmedian",
    "fedprox",
    "fedtrimmedavg",
    "fedyogi",
    "krum",
    "scaffold",
    "told_apart",
]
