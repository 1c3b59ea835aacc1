"""The coordinate-wise median."""

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedmedian")
class FedMedian(StrategyOptions):
    """The coordinate-wise median of the clients' models. Yin et al. 2018, arXiv:1803.01498."""

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedMedian."""
        return flower("FedMedian")
