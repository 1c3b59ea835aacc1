"""Krum."""

from flwr.serverapp import strategy as flower
from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, WHOLE_COHORT, StrategyOptions


@STRATEGIES("krum")
class Krum(StrategyOptions):
    """The one client model that is nearest to its neighbours. Blanchard et al. 2017, arXiv:1703.02757."""

    malicious: int = Field(0, ge=0, description="number of malicious clients to withstand")

    def build(self) -> flower.Strategy:
        """Flower's Krum."""
        return flower.Krum(num_malicious_nodes=self.malicious, **WHOLE_COHORT)
