"""Adagrad on the server."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedadagrad")
class FedAdagrad(StrategyOptions):
    """Adagrad on the server: steps shrink where updates were large. Reddi et al. 2021, arXiv:2003.00295.

    The steps are Flower's, which differ from Reddi's Algorithm 2 in one thing: the sum of squares starts at 0
    instead of at tau² or more, so first steps are longer where updates are small. There is no momentum, as in
    Reddi's experiments.
    """

    of_means = True

    eta: float = Field(0.1, gt=0, le=1e6, description="server learning rate")
    tau: float = Field(1e-3, gt=0, description="adaptivity: larger is closer to plain averaging")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedAdagrad."""
        return flower("FedAdagrad", **self.model_dump())
