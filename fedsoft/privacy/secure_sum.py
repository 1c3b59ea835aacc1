"""Options of secure aggregation: what a masked number can be, and how many clients open a sum."""

import math
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

WORD = 32
"""Bits of a masked number: sums are modulo 2^32."""
FEWEST = 3
"""Clients of a sum at least: of one it is no secret, and of two each knows the other's share."""


class SecureSum(BaseModel):
    """The server learns the sum of a cohort's weighted updates, losses and counts, and no client's own.

    Bonawitz et al. 2017, "Practical secure aggregation for privacy-preserving machine learning", with two
    masks, against a server that follows the protocol and looks at all that it receives.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    range: float = Field(
        8.0, gt=0, le=1e6, description="largest magnitude of an update's entry; a client with more sends none"
    )
    bits: int = Field(
        24,
        ge=8,
        le=30,
        description="bits of an entry, rounded to a multiple of range / (2^(bits - 1) - 1)",
    )
    threshold: float = Field(
        0.67,
        gt=0.5,
        le=1,
        description="share of a cohort, but three clients, that must stay to open a sum",
    )
    examples: int | None = Field(
        None,
        ge=1,
        description="public bound of a client's examples, which scales weights; unset, the largest client's",
    )

    @model_validator(mode="after")
    def _resolves(self) -> Self:
        if self.range / self.levels < 1e-30:
            raise ValueError(f"range {self.range:g} is too small for numbers of single precision")
        return self

    @property
    def levels(self) -> int:
        """The largest whole number that an entry can be."""
        return 2 ** (self.bits - 1) - 1

    @property
    def step(self) -> float:
        """What entries of a weighted update are multiples of; each is rounded by half of it at most."""
        return self.range / self.levels

    def before_rounding(self, bound: float, size: int) -> float:
        """The norm to which an update (P,) of weight 1 is clipped, so that its whole numbers keep a bound.

        Raises:
            ValueError: the step is too coarse for the bound.
        """
        left = bound - math.sqrt(size) * self.step / 2
        if left <= 0:
            raise ValueError(
                f"steps of {self.step:g} are too coarse for a clip norm of {bound:g}; raise bits"
            )
        return left

    def needed(self, size: int) -> int:
        """How many of a cohort of so many clients must stay to the end."""
        return max(FEWEST, math.ceil(self.threshold * size - 1e-9))

    def check_cohort(self, size: int) -> None:
        """Refuse cohorts of so many clients whose sum would hide nobody, or could wrap.

        Raises:
            ValueError: with the cause and the mend.
        """
        if size < FEWEST:
            raise ValueError(
                f"a sum over {size or 'no'} client{'s' * (size != 1)} hides nobody; have cohorts of {FEWEST} "
                "or more by scenario.clients and scenario.participation, or leave secure_sum out"
            )
        if size * self.levels >= 2 ** (WORD - 1):
            raise ValueError(
                f"the sum over {size:,} clients of numbers of {self.bits} bits does not fit {WORD} bits; set "
                f"bits to {WORD - (size - 1).bit_length()} or less"
            )

    def bound(self, sizes: np.ndarray) -> int:
        """The examples of a client whose weight is 1, where clients (K,) hold so many."""
        return self.examples or int(sizes.max(initial=1))

    def check_sizes(self, sizes: np.ndarray, participation: float) -> None:
        """Refuse clients (K,) of so many examples whose cohorts or weights do not fit.

        Raises:
            ValueError: with the cause and the mend.
        """
        occupied = int(np.count_nonzero(sizes))
        size = min(occupied, max(1, round(participation * occupied)))
        self.check_cohort(size)
        bound = self.bound(sizes)
        if sizes.max(initial=0) > bound:
            raise ValueError(
                f"a client holds {sizes.max():,} examples, more than examples = {bound:,}; raise it to what "
                "no client exceeds"
            )
        if size * bound >= 2 ** (WORD - 1):
            raise ValueError(
                f"the examples of {size:,} clients, {bound:,} each at most, do not fit {WORD} bits; lower "
                "examples"
            )
