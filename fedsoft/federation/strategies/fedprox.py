"""Federated averaging with a proximal term."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedprox")
class FedProx(StrategyOptions):
    """FedAvg whose clients are pulled back to the global model. Li et al. 2020, arXiv:1812.06127.

    Each client minimises its loss plus mu/2 * ||w - w_global||²; ``mu = 0`` is ``fedavg``.
    """

    of_means = True

    mu: float = Field(0.1, ge=0, le=1e6, description="strength of the pull")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedProx; the pull itself is in the local update."""
        return flower("FedProx", proximal_mu=self.mu)
