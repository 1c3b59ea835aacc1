"""Clients of unequal size."""

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from fedsoft.errors import StudyFileError
from fedsoft.scenarios.known import Known
from fedsoft.scenarios.partition import ATTEMPTS, PARTITIONS, Split
from fedsoft.scenarios.proportions import in_shares


@PARTITIONS("quantity_skew")
class QuantitySkew(Split):
    """Clients of unequal size, alike in everything else.

    Sizes are log-normal: proportional to exp(sigma z), z standard normal (Acar et al. 2021, arXiv:2111.04263,
    whose code calls sigma ``unbalanced_sgm``). With ``alpha`` they are proportional to a draw from
    Dirichlet(alpha), NIID-Bench's ``iid-diff-quantity``. flwr-datasets has no random sizes.
    """

    sigma: float = Field(1.0, ge=0, le=10, description="standard deviation of the sizes' logarithms")
    alpha: float | None = Field(None, gt=0, description="or sizes from Dirichlet(alpha): small is uneven")
    smallest: int = Field(10, ge=1, description="redraw until every client has so many examples, or people")

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        if self.alpha is not None and self.sigma != type(self).model_fields["sigma"].default:
            raise ValueError("sizes take one of `sigma` and `alpha`")
        return self

    def owners(self, known: Known, clients: int, rng: np.random.Generator) -> np.ndarray:
        """Sizes are drawn until no client is too small; who has what is left to chance.

        Raises:
            StudyFileError: no draw in 1,000 gives every client ``smallest`` examples, or there are too few.
        """
        possible = len(known) >= clients * self.smallest
        for _ in range(ATTEMPTS if possible else 0):
            if self.alpha is None:
                weights = rng.lognormal(sigma=self.sigma, size=clients)
                shares = weights / weights.sum()
            else:
                shares = rng.dirichlet(np.full(clients, self.alpha))
            owner = in_shares(shares, len(known))
            if np.bincount(owner, minlength=clients).min() >= self.smallest:
                return rng.permutation(owner)
        mend = "lower sigma" if self.alpha is None else "raise alpha"
        raise StudyFileError(
            f"partition {self.label()!r} gave no split of {len(known)} examples in which each of {clients} "
            f"clients has {self.smallest}; {mend}, or lower `smallest` or `clients`."
        )
