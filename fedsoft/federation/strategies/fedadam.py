"""Adam on the server."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedadam")
class FedAdam(StrategyOptions):
    """Adam on the server, with the mean update as gradient. Reddi et al. 2021, arXiv:2003.00295.

    The steps are Flower's, which differ from Reddi's Algorithm 2 in two things. The second moment starts at
    0 instead of at tau² or more, so first steps are longer where updates are small. And eta is multiplied in
    round r by sqrt(1 - beta_2^(r + 1)) / (1 - beta_1^(r + 1)), Adam's correction for moments that start at 0,
    but of the step after: with the default betas by 0.74 in round 1, 0.47 in round 10 and 0.80 in round 100.
    """

    of_means = True

    eta: float = Field(0.01, gt=0, le=1e6, description="server learning rate")
    beta_1: float = Field(0.9, ge=0, lt=1, description="decay of the first moment")
    beta_2: float = Field(0.99, ge=0, lt=1, description="decay of the second moment")
    tau: float = Field(1e-3, gt=0, description="adaptivity: larger is closer to plain momentum")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedAdam."""
        return flower("FedAdam", **self.model_dump())
