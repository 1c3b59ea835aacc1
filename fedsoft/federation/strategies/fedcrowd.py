"""Clients taken for annotators, whose slips are estimated without any label leaving them."""

from typing import Literal

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions


@STRATEGIES("fedcrowd")
class FedCrowd(StrategyOptions):
    """FedAvg that learns how often each client's labels slip, and weighs and softens it accordingly. Ours.

    How soft a client's labels may be is what the others' model says; what is elsewhere is carelessness. In
    its first rounds each client tells five sums of how its labels disagree with the received model
    (`fedsoft.federation.reports.disagreement`), from which its slip rate follows, with a standard error.
    Rates are drawn to their mean as far as their spread is chance (empirical Bayes), and counted from that of
    the careful clients, so that where all are alike this is FedAvg. Then a client whose labels slip at a rate
    ρ counts for 1 - ρ of its examples, and trains on what is left of its labels: on the posterior of the true
    class, with the model for a prior (``posterior``), or through a loss that slips as its labels do
    (``forward``; Patrini et al. 2017, arXiv:1609.03683). Slips are held to go to any other class alike.

    The server needs no data. Clients send five sums over their examples, in their first rounds.
    """

    needs = "how each client disagrees, in sums"

    use: Literal["posterior", "forward", "weights"] = Field(
        "posterior", description="what a client makes of its rate; `weights`: nothing, it only counts less"
    )
    reports: int = Field(
        10,
        ge=1,
        description="rounds of its own in which a client tells its sums; till then it is one of fedavg's",
    )
    careful: float = Field(
        0.2, ge=0, le=1, description="rates are counted from that of this share of the clients, the careful"
    )

    def build(self, at: AtServer) -> Strategy:
        """Our server, for so many clients."""
        from fedsoft.federation.servers.fedcrowd import FedCrowd as Server

        return Server(at.clients, self.use, self.reports, self.careful)
