"""Scenarios: how examples, sources and annotators are spread over clients."""

from fedsoft.scenarios import by_annotator, overlapping
from fedsoft.scenarios.clients import Clients
from fedsoft.scenarios.deal import Deal, deal
from fedsoft.scenarios.mishaps import Fate, Mishaps
from fedsoft.scenarios.partition import PARTITIONS, Partition
from fedsoft.scenarios.scenario import Party, Scenario

__all__ = [
    "PARTITIONS",
    "Clients",
    "Deal",
    "Fate",
    "Mishaps",
    "Partition",
    "Party",
    "Scenario",
    "by_annotator",
    "deal",
    "overlapping",
]
