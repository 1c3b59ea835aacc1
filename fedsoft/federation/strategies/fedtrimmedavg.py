"""The trimmed mean."""

from flwr.serverapp import strategy as flower
from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, WHOLE_COHORT, StrategyOptions


@STRATEGIES("fedtrimmedavg")
class FedTrimmedAvg(StrategyOptions):
    """The coordinate-wise mean without the extremes. Yin et al. 2018, arXiv:1803.01498."""

    beta: float = Field(0.2, ge=0, lt=0.5, description="share of clients cut off at each end")

    def build(self) -> flower.Strategy:
        """Flower's FedTrimmedAvg."""
        return flower.FedTrimmedAvg(beta=self.beta, **WHOLE_COHORT)
