"""Server strategies: Flower's own objects behind validated options."""

from fedsoft.federation.strategies import (
    bulyan,
    fedadagrad,
    fedadam,
    fedavg,
    fedavgm,
    fedmedian,
    fedprox,
    fedtrimmedavg,
    fedyogi,
    krum,
    multikrum,
    qfedavg,
    scaffold,
)
from fedsoft.federation.strategies.options import STRATEGIES, StrategyOptions, told_apart

__all__ = [
    "STRATEGIES",
    "StrategyOptions",
    "bulyan",
    "fedadagrad",
    "fedadam",
    "fedavg",
    "fedavgm",
    "fedmedian",
    "fedprox",
    "fedtrimmedavg",
    "fedyogi",
    "krum",
    "multikrum",
    "qfedavg",
    "scaffold",
    "told_apart",
]
