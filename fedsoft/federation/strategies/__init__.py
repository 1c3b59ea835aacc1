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
)
from fedsoft.federation.strategies.options import STRATEGIES, StrategyOptions

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
]
