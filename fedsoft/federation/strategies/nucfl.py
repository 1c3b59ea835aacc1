"""A calibration term weighted by how near each local model is to the global one."""

from typing import Literal

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions


@STRATEGIES("nucfl")
class Nucfl(StrategyOptions):
    """Clients calibrate the more, the nearer they are to the global model. Chu et al. 2025, arXiv:2409.04901.

    NUCFL: a client minimises its loss plus beta · s · gap, where the gap is that of its batch (`dca` or
    `mdca`, as the losses of these names) and s is the similarity of the local model and the global one that
    it started from; the server averages as FedAvg does. ``beta = 0`` is ``fedavg``.

    Ours, for want of public code: s is computed anew in every step and is a constant of it; ``cosine`` is
    of all parameters, as one vector (it seldom leaves the neighbourhood of 1); ``cka`` is linear CKA of
    the two models' logits on the step's batch; with soft targets an example's mass takes the place of its
    label. Gaps of batches are noisy: take batches of 32 or more.

    The server needs nothing besides, and clients send nothing besides.
    """

    couples_examples = True

    beta: float = Field(1.0, ge=0, le=1e6, description="weight of the gap where local and global model agree")
    gap: Literal["dca", "mdca"] = Field("dca", description="of confidence, or of each class")
    similarity: Literal["cosine", "cka"] = Field(
        "cosine", description="of the models' parameters, or linear CKA of their logits"
    )

    def build(self, at: AtServer) -> Strategy:
        """Flower's FedAvg, which tells clients the term; the term itself is in the local update."""
        from fedsoft.federation.servers.nucfl import Nucfl as Server
        from fedsoft.training import Calibration

        return Server(Calibration(self.gap, self.beta, self.similarity))
