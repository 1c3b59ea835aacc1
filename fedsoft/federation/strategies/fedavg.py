"""Federated averaging."""

from fedsoft.federation.strategies.options import STRATEGIES, Strategy, StrategyOptions, flower


@STRATEGIES("fedavg")
class FedAvg(StrategyOptions):
    """The mean of the clients' models, weighted by examples. McMahan et al. 2017, arXiv:1602.05629."""

    def build(self) -> Strategy:
        """Flower's FedAvg."""
        return flower("FedAvg")
