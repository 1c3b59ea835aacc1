"""The trimmed mean."""

import math

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("fedtrimmedavg")
class FedTrimmedAvg(StrategyOptions):
    """The coordinate-wise mean without the extremes. Yin et al. 2018, arXiv:1803.01498.

    Of n clients the lowest and the highest ``beta`` n, rounded down, are cut off, which leaves at least one.
    Cohorts in which that is none are refused, since the mean would be untrimmed; a single client is its own.
    """

    beta: float = Field(0.2, ge=0, lt=0.5, description="share of clients cut off at each end")

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedTrimmedAvg."""
        return flower("FedTrimmedAvg", beta=self.beta)

    def check_cohort(self, size: int) -> None:
        """Enough clients that one is cut off at each end; rounded as Flower rounds."""
        if self.beta > 0 and size > 1 and int(self.beta * size) == 0:
            mend = f"raise beta to {math.ceil(100 / size) / 100}" if size > 2 else "set beta to 0"
            raise ValueError(
                f"fedtrimmedavg with beta = {self.beta} cuts off none of a cohort of {size} clients; {mend}, "
                "or raise scenario.clients or scenario.participation"
            )
