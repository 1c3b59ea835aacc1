"""Yogi on the server."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedyogi")
class FedYogi(StrategyOptions):
    """Yogi on the server: Adam with an additive second moment. Reddi et al. 2021, arXiv:2003.00295.

    The steps are Flower's, which differ from Reddi's Algorithm 2 in one thing: the second moment starts at 0
    instead of at tau² or more, so first steps are longer where updates are small. Unlike those of `fedadam`
    they have no correction for it.
    """

    of_means = True

    eta: float = Field(0.01, gt=0, le=1e6, description="server learning rate")
    beta_1: float = Field(0.9, ge=0, lt=1, description="decay of the first moment")
    beta_2: float = Field(0.99, ge=0, lt=1, description="decay of the second moment")
    tau: float = Field(1e-3, gt=0, description="adaptivity: larger is closer to plain momentum")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedYogi."""
        return flower("FedYogi", **self.model_dump())
