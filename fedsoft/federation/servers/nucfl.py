"""The server of NUCFL: it tells clients the calibration term."""

from collections.abc import Iterable

from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from fedsoft.federation import asks
from fedsoft.federation.strategies.options import WHOLE_COHORT
from fedsoft.training import Calibration


class Nucfl(FedAvg):
    """Flower's FedAvg, whose clients add a weighted calibration gap to their loss.

    Attributes:
        gap: the name of the gap.
        beta: its weight where a local model is the global one.
        similarity: what it is multiplied by in every step.
    """

    def __init__(self, calibration: Calibration) -> None:
        super().__init__(**WHOLE_COHORT)
        self.gap, self.beta, self.similarity = calibration.gap, calibration.beta, calibration.similarity

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Flower's messages, with the term."""
        config[asks.CALIBRATION] = self.gap
        config[asks.CALIBRATION_BETA] = self.beta
        config[asks.SIMILARITY] = self.similarity
        return super().configure_train(server_round, arrays, config, grid)
