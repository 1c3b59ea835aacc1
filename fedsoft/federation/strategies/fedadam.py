"""Adam on the server."""

from flwr.serverapp import strategy as flower
from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, WHOLE_COHORT, StrategyOptions


@STRATEGIES("fedadam")
class FedAdam(StrategyOptions):
    """Adam on the server, with the mean update as gradient. Reddi et al. 2021, arXiv:2003.00295."""

    eta: float = Field(0.01, gt=0, le=1e6, description="server learning rate")
    beta_1: float = Field(0.9, ge=0, lt=1, description="decay of the first moment")
    beta_2: float = Field(0.99, ge=0, lt=1, description="decay of the second moment")
    tau: float = Field(1e-3, gt=0, description="adaptivity: larger is closer to plain momentum")

    def build(self) -> flower.Strategy:
        """Flower's FedAdam."""
        return flower.FedAdam(**self.model_dump(), **WHOLE_COHORT)
