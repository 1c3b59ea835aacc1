"""Federated averaging."""

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedavg")
class FedAvg(StrategyOptions):
    """The mean of the clients' models, weighted by examples. McMahan et al. 2017, arXiv:1602.05629."""

    of_means = True

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedAvg."""
        return flower("FedAvg")
