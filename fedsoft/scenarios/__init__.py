"""Scenarios: how examples, sources and annotators are spread over clients."""

from fedsoft.scenarios import (
    balanced_dirichlet,
    by_annotator,
    by_difficulty,
    natural_dirichlet,
    overlapping,
    pathological,
    quantity_skew,
    shards,
)
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.deal import Deal, deal
from fedsoft.scenarios.known import Known, difficulty_of
from fedsoft.scenarios.mishaps import Fate, Mishaps
from fedsoft.scenarios.partition import PARTITIONS, Partition
from fedsoft.scenarios.scenario import Party, Scenario

__all__ = [
    "PARTITIONS",
    "Clients",
    "Deal",
    "Fate",
    "Known",
    "Mishaps",
    "Partition",
    "Party",
    "Scenario",
    "balanced_dirichlet",
    "by_annotator",
    "by_difficulty",
    "deal",
    "difficulty_of",
    "natural_dirichlet",
    "overlapping",
    "pathological",
    "quantity_skew",
    "shards",
]
