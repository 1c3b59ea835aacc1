"""Federation: Flower's messages and strategies, our round loop, and engines that execute clients."""

from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.client import Asked, make_client_app
from fedsoft.federation.grids import CohortGrid, FlowerGrid, InProcessGrid, find_nodes
from fedsoft.federation.records import to_arrays, to_parameters, to_record
from fedsoft.federation.rounds import Exchange, RoundError, RoundResult, play_round
from fedsoft.federation.strategies import STRATEGIES, StrategyOptions
from fedsoft.federation.task import Task
from fedsoft.federation.together import Stack, programs, train_together

__all__ = [
    "STRATEGIES",
    "Asked",
    "CohortGrid",
    "Exchange",
    "FlowerGrid",
    "InProcessGrid",
    "RoundError",
    "RoundResult",
    "Stack",
    "StrategyOptions",
    "Task",
    "find_nodes",
    "make_client_app",
    "play_round",
    "programs",
    "restore_strategy",
    "strategy_state",
    "to_arrays",
    "to_parameters",
    "to_record",
    "train_together",
]
