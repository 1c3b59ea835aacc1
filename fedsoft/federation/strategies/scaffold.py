"""SCAFFOLD."""

from typing import Literal

import numpy as np
from pydantic import Field

from fedsoft.federation.strategies.options import (
    STRATEGIES,
    WHOLE_COHORT,
    AtServer,
    Strategy,
    StrategyOptions,
    Training,
)


@STRATEGIES("scaffold")
class Scaffold(StrategyOptions):
    """FedAvg with every client's drift corrected. Karimireddy et al. 2020, arXiv:1910.06378, Algorithm 1.

    In each step, client k of variate c_k goes along its gradient - c_k + c, where c is the mean of all
    clients' variates: about the step that all of them together would take. After its K steps from x to y_k,
    c_k <- c_k - c + (x - y_k) / (K lr), the mean gradient on its way (option II). The server keeps the
    variates and sends c - c_k with the model, so that clients have no memory: a message to a client is twice
    as long, a reply is not. Clients whose updates are lost keep their variates.

    The paper minimises the mean of the clients' losses, so all clients count alike there. Here, by default,
    they count by examples, models and variates alike, and the loss is the mean over examples, as in `fedavg`.
    Variates start at 0: the first round, with ``lr = 1``, is `fedavg`'s to the bit. Weight decay is part of a
    client's loss, and of its variate.
    """

    needs = "each client's drift, kept there"

    lr: float = Field(1.0, gt=0, le=1e6, description="server step; 1 takes the whole mean update")
    weights: Literal["examples", "uniform"] = Field(
        "examples",
        description="how clients count in means: by examples, as in fedavg, or alike, as in the paper",
    )

    def build(self, at: AtServer) -> Strategy:
        """Ours."""
        from fedsoft.federation.servers import scaffold

        counts = at.sizes if self.weights == "examples" else np.minimum(at.sizes, 1)
        return scaffold.Scaffold(self.lr, counts, **WHOLE_COHORT)

    def check_training(self, training: Training) -> None:
        """Steps without momentum: else they are no sum of gradients, and variates no mean of them."""
        if training.momentum:
            raise ValueError(
                f"scaffold takes a client's way for the sum of its gradients, which it is not with "
                f"training.momentum = {training.momentum:g}; set it to 0"
            )
