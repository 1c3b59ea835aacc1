"""Federation: Flower's messages and strategies, our round loop, and engines that execute clients."""

from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.client import make_client_app
from fedsoft.federation.grids import CohortGrid, FlowerGrid, InProcessGrid, Stack, find_nodes
from fedsoft.federation.loop import RoundResult, federate
from fedsoft.federation.records import to_arrays, to_parameters, to_record
from fedsoft.federation.strategies import STRATEGIES, StrategyOptions
from fedsoft.federation.task import Task

__all__ = [
    "STRATEGIES",
    "CohortGrid",
    "FlowerGrid",
    "InProcessGrid",
    "RoundResult",
    "Stack",
    "StrategyOptions",
    "Task",
    "federate",
    "find_nodes",
    "make_client_app",
    "restore_strategy",
    "strategy_state",
    "to_arrays",
    "to_parameters",
    "to_record",
]
