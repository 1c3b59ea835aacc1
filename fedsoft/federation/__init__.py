"""Federation: Flower's messages and strategies, our round loop, and engines that execute clients.

What a study file names of it (`strategies`) and what clients train on (`task`) do without Flower, whose
import takes long, and are here. The rest is imported from where it is: messages (`records`), the ClientApp
(`client`), clients as one tensor program (`together`), what delivers messages (`grids`), a round
(`rounds`), and a strategy's state (`checkpoint`).
"""

from fedsoft.federation.strategies import STRATEGIES, StrategyOptions
from fedsoft.federation.task import Task

__all__ = ["STRATEGIES", "StrategyOptions", "Task"]
