"""Multi-Krum."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("multikrum")
class MultiKrum(StrategyOptions):
    """The mean of the client models that are nearest to their neighbours. Blanchard et al. 2017.

    Multi-Krum of arXiv:1703.02757: clients are ranked as in `krum`, and the first ``keep`` of them averaged,
    weighted by examples; ``keep = 1`` is `krum`. It withstands f malicious clients in cohorts of at least
    2f + 3 and f + keep, so that they are not kept for want of others; smaller ones are refused. A single
    client, with f = 0, is its own.
    """

    malicious: int = Field(0, ge=0, description="number of malicious clients to withstand")
    keep: int = Field(3, ge=1, description="number of clients that are averaged")

    def build(self, at: AtServer) -> Strategy:
        """Flower's MultiKrum."""
        return flower("MultiKrum", num_malicious_nodes=self.malicious, num_nodes_to_select=self.keep)

    def check_cohort(self, size: int) -> None:
        """At least 2f + 3 clients, Blanchard's condition, and as many honest ones as are kept."""
        need = max(2 * self.malicious + 3, self.malicious + self.keep)
        if size < need and (size > 1 or self.malicious):
            malicious = min(self.malicious, (size - 3) // 2)
            mends = [f"lower malicious to {malicious} at most"] if malicious < self.malicious else []
            if self.keep > size - malicious:
                mends.append(f"lower keep to {size - malicious} at most")
            mend = " and ".join(mends) if size >= 3 else "choose another strategy"
            raise ValueError(
                f"multikrum with malicious = {self.malicious} and keep = {self.keep} needs cohorts of {need} "
                f"clients or more, and here they have {size}; {mend}, or raise scenario.clients or "
                "scenario.participation"
            )
