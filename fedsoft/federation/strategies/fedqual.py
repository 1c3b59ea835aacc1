"""An anchor for clients of low annotation quality, who weigh less."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions


@STRATEGIES("fedqual")
class FedQual(StrategyOptions):
    """Who fits the global model badly is pulled to it and weighs less. Like FedQual, arXiv:2605.04827.

    FedQual pulls clients of low annotation quality to a global semantic anchor, and weighs updates by
    reliable information. Its formulas and code are not public: what follows is our reading.

    The anchor is the received global model's prediction a of each example. Client k of quality q minimises
    loss(t) + λ loss(a), over 1 + λ, with λ = lambda_max (1 - q): its targets are mixed with the share λ /
    (1 + λ) of predictions. The server's mean weighs models by examples times q. Quality is relative: the
    excess of a client is its mean divergence KL(t || p) from targets to the global model's predictions, and
    q is the cohort's median excess over the client's, 1 at most, in a running mean over the rounds that it
    takes part in (1 before). So clients whose classes are rare look worse than they are. ``lambda_max = 0,
    memory = 1`` is ``fedavg``.

    The server needs no data. Clients send two numbers besides: sums of cross-entropies and of entropies.
    """

    needs = "each client's misfit"
    lambda_max: float = Field(
        1.0, ge=0, le=1e6, description="weight of the anchor beside targets of quality 0"
    )
    memory: float = Field(0.5, ge=0, le=1, description="share of a client's quality kept from round to round")

    def build(self, at: AtServer) -> Strategy:
        """Our server, for so many clients."""
        from fedsoft.federation.servers.fedqual import FedQual as Server

        return Server(at.clients, self.lambda_max, self.memory)
