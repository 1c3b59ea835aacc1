"""The coordinate-wise median."""

from flwr.serverapp import strategy as flower

from fedsoft.federation.strategies.options import STRATEGIES, WHOLE_COHORT, StrategyOptions


@STRATEGIES("fedmedian")
class FedMedian(StrategyOptions):
    """The coordinate-wise median of the clients' models. Yin et al. 2018, arXiv:1803.01498."""

    def build(self) -> flower.Strategy:
        """Flower's FedMedian."""
        return flower.FedMedian(**WHOLE_COHORT)
