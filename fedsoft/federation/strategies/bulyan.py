"""Bulyan."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("bulyan")
class Bulyan(StrategyOptions):
    """Coordinate by coordinate the mean of the models nearest to the median, after Multi-Krum's choice.

    El Mhamdi et al. 2018, arXiv:1802.07927: of n clients, f of them malicious, n - 2f are chosen, and of
    these the n - 4f values nearest to their median are averaged, all with the same weight. It withstands f in
    cohorts of at least 4f + 3, and smaller ones are refused; with f = 0 it is the plain mean. The choice is
    Flower's: the n - 2f best of one ranking, where the paper takes one client at a time and ranks the others
    anew.
    """

    malicious: int = Field(0, ge=0, description="number of malicious clients to withstand")

    def build(self, at: AtServer) -> Strategy:
        """Flower's Bulyan."""
        return flower("Bulyan", num_malicious_nodes=self.malicious)

    def check_cohort(self, size: int) -> None:
        """At least 4f + 3 clients, El Mhamdi's condition."""
        need = 4 * self.malicious + 3
        if size < need:
            most = (size - 3) // 4
            mend = f"lower malicious to {most} at most" if most >= 0 else "choose another strategy"
            raise ValueError(
                f"bulyan with malicious = {self.malicious} needs cohorts of {need} clients or more, and here "
                f"they have {size}; {mend}, or raise scenario.clients or scenario.participation"
            )
