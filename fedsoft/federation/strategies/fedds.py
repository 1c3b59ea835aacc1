"""Weights by how far clients' models agree on examples that nobody labelled."""

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions


@STRATEGIES("fedds")
class FedDs(StrategyOptions):
    """Clients weigh by their models' agreement on unlabelled examples at the server. Dong et al. 2026, FedDS.

    Information Sciences 745, 123425: the classes that the clients' models predict are taken for annotations,
    Dawid and Skene's EM (1979) finds a confusion matrix for each, and the mean of its diagonal is the
    client's weight. As in the authors' code, matrices are unsmoothed, weights leave the number of examples
    aside, and both start anew in every round.

    Ours: a class that no example is likely to have is left out of the mean; ``by_examples`` and
    ``smoothing``, which is `dawid_skene`'s.

    The server needs unlabelled examples like those of the clients. Clients send nothing besides their models,
    so that these must reach the server one by one.
    """

    needs = "unlabelled examples"
    needs_examples = True
    by_examples: bool = Field(False, description="multiply weights by the clients' numbers of examples")
    smoothing: float = Field(
        0.0,
        ge=0,
        le=1e6,
        description="predictions a class that each model's confusion borrows from all models'",
    )

    def build(self, at: AtServer) -> Strategy:
        """Our server, with its examples."""
        from fedsoft.federation.servers.fedds import FedDs as Server

        if not len(at.examples):
            raise ValueError("fedds needs unlabelled examples at the server; set scenario.server_examples")
        return Server(at.model, at.examples, at.clients, at.classes, self.by_examples, self.smoothing)
