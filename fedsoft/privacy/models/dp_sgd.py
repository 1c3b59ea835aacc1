"""DP-SGD: differential privacy of an example, within its client."""

from collections import Counter
from typing import ClassVar, Literal

from pydantic import Field

from fedsoft.privacy.accounting import Releases
from fedsoft.privacy.models.mechanism import MODEL_MECHANISMS, Exposure, ModelMechanism


@MODEL_MECHANISMS("dp_sgd")
class DpSgd(ModelMechanism):
    """Each local step clips the gradient of every example by itself, and adds noise to their sum.

    Abadi et al. 2016, arXiv:1607.00133, in every client; the sum is divided by the batch size that is
    expected. It protects an example (its input and its target), from whoever sees the models that its client
    sends, the server included. Clients as such are not protected. How many examples a client has, and in
    which rounds it takes part, are taken as known.

    A round has epochs × ⌈n / batch_size⌉ steps, each on a batch drawn anew: shuffled epochs would fit no
    accountant.
    """

    unit: ClassVar[Literal["client", "example"]] = "example"

    sampling: Literal["poisson", "without_replacement"] = Field(
        "poisson",
        description="how a step's batch is drawn: each example by a coin of its own, or so many at once",
    )

    def releases(self, exposure: Exposure) -> dict[Releases, int]:
        """Each client's steps; equal clients are counted together."""
        relation: Literal["add_or_remove", "replace_one"] = (
            "add_or_remove" if self.sampling == "poisson" else "replace_one"
        )
        found: Counter[Releases] = Counter()
        for size, taken in zip(exposure.sizes.tolist(), exposure.taken.tolist(), strict=True):
            if not size or not taken:
                continue
            steps = taken * exposure.epochs * -(-size // exposure.batch_size)
            batch = min(exposure.batch_size, size)
            scheme = self.sampling if batch < size else "all"
            found[Releases(scheme, relation, batch, size, steps)] += 1
        return dict(found)

    def protected(self, exposure: Exposure) -> int:
        """The training examples of all clients."""
        return int(exposure.sizes.sum())
