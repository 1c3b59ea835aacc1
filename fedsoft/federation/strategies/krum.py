"""Krum."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("krum")
class Krum(StrategyOptions):
    """The one client model that is nearest to its neighbours. Blanchard et al. 2017, arXiv:1703.02757.

    It withstands f malicious clients in cohorts of at least 2f + 3, and smaller ones are refused; a single
    client, with f = 0, is its own.
    """

    malicious: int = Field(0, ge=0, description="number of malicious clients to withstand")

    def build(self, at: AtServer) -> Strategy:
        """Flower's Krum."""
        return flower("Krum", num_malicious_nodes=self.malicious)

    def check_cohort(self, size: int) -> None:
        """At least 2f + 3 clients, Blanchard's condition."""
        need = 2 * self.malicious + 3
        if size < need and (size > 1 or self.malicious):
            most = (size - 3) // 2
            mend = f"lower malicious to {most} at most" if most >= 0 else "choose another strategy"
            raise ValueError(
                f"krum with malicious = {self.malicious} needs cohorts of {need} clients or more, and here "
                f"they have {size}; {mend}, or raise scenario.clients or scenario.participation"
            )
