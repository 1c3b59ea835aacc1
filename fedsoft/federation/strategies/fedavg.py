"""Federated averaging."""

from flwr.serverapp import strategy as flower

from fedsoft.federation.strategies.options import STRATEGIES, WHOLE_COHORT, StrategyOptions


@STRATEGIES("fedavg")
class FedAvg(StrategyOptions):
    """The mean of the clients' models, weighted by examples. McMahan et al. 2017, arXiv:1602.05629."""

    def build(self) -> flower.Strategy:
        """Flower's FedAvg."""
        return flower.FedAvg(**WHOLE_COHORT)
