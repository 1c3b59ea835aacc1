"""Fair averaging."""

from typing import ClassVar

from pydantic import Field

from fedsoft.federation.strategies.options import STRATEGIES, AtServer, Strategy, StrategyOptions, flower


@STRATEGIES("qfedavg")
class QFedAvg(StrategyOptions):
    """Clients with a higher loss count for more, so that accuracy is more even among them. Li et al. 2020.

    q-FedAvg of arXiv:1905.10497, Algorithm 2. With L = 1 / lr, updates d_k (global less client model) and
    losses F_k: global -= sum of F_k^q L d_k / sum of (q F_k^(q - 1) L² ||d_k||² + L F_k^q). With ``q = 0`` it
    is the plain mean, all clients with the same weight; the larger q, the fairer, and the shorter the steps.

    In the paper F_k is the loss of the global model on the client's examples. Flower takes what clients
    report of their training, and ours report the mean over their local steps, which is lower the more they
    learn in a round: with one step a round the two are the same.
    """

    needs: ClassVar[str] = "clients' training losses"

    q: float = Field(0.1, ge=0, le=100, description="fairness: the power of a client's loss")
    lr: float | None = Field(
        None, gt=0, description="the step whose inverse stands for L; without it, training.lr"
    )

    def build(self, at: AtServer) -> Strategy:
        """Flower's QFedAvg."""
        lr = at.training.lr if self.lr is None else self.lr
        return flower("QFedAvg", q=self.q, client_learning_rate=lr, train_loss_key="train-loss")
