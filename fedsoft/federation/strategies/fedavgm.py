"""Federated averaging with server momentum."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedavgm")
class FedAvgM(StrategyOptions):
    """FedAvg with momentum on the server. Hsu, Qi, Brown 2019, arXiv:1909.06335.

    velocity = momentum * velocity + weighted mean of the updates; global += lr * velocity.
    With ``momentum = 0, lr = 1`` it is ``fedavg``.
    """

    of_means = True

    momentum: float = Field(0.9, ge=0, lt=1, description="share of last round's velocity kept")
    lr: float = Field(1.0, gt=0, le=1e6, description="server step; 1 takes the whole velocity")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedAvgM."""
        return flower("FedAvgM", server_momentum=self.momentum, server_learning_rate=self.lr)
