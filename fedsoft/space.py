"""What a search may choose: some keys with their ranges, and points spread evenly over them."""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

DIGITS = 3
"""Significant digits of what is chosen from a range: what is printed is what was tried."""


class Axis(BaseModel):
    """The values that one key may take: a range, or some choices."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    start: float | int | None = Field(None, alias="from", description="the range's lower end")
    to: float | int | None = Field(None, description="its upper end; whole numbers where both ends are")
    log: bool = Field(False, description="whether each factor within the range is as likely as another")
    choices: tuple[Any, ...] = Field((), description="instead of a range: the values themselves")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        ends = (self.start, self.to)
        if self.choices and (ends != (None, None) or self.log):
            raise ValueError("has choices and a range; give one of the two")
        if self.choices:
            return self
        if self.start is None or self.to is None:
            raise ValueError("needs a range { from = 0.01, to = 1.0 }, or { choices = [1, 2] }")
        if self.start >= self.to:
            raise ValueError(f"from = {self.start} is not below to = {self.to}")
        if self.log and self.start <= 0:
            raise ValueError(f"a range with log = true begins above 0, not at {self.start}")
        return self

    def value(self, share: float) -> Any:
        """What lies at a share, in [0, 1), of the way through the range or the choices.

        A whole number has the part of the range up to the next one. Others have three significant digits.
        """
        if self.choices:
            return self.choices[int(share * len(self.choices))]
        assert self.start is not None
        assert self.to is not None
        whole = isinstance(self.start, int) and isinstance(self.to, int)
        low, high = self.start, self.to + whole
        place = low * (high / low) ** share if self.log else low + (high - low) * share
        if whole:
            return math.floor(place)
        return float(min(max(float(f"{place:.{DIGITS}g}"), self.start), self.to))


def shares(trials: int, common: int, own: Sequence[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Sobol points for several spaces that have some axes in common, which have the same points there.

    More trials begin with the same points. Scrambled as Owen 1998, J. Complexity 14:466.

    Args:
        trials: points of each space.
        common: axes that all have.
        own: (S,) further axes of each space.
        rng: scrambles the points.

    Returns:
        for each space (trials, common + own) shares in [0, 1), its own axes last.
    """
    from scipy.stats import qmc  # here, since it takes a second to import

    axes = common + max(own, default=0)
    if not axes:
        return [np.empty((trials, 0)) for _ in own]
    whole = math.ceil(math.log2(trials))  # Sobol points are balanced in powers of two; some are taken
    points = qmc.Sobol(axes, scramble=True, rng=rng).random_base2(whole)[:trials]
    return [points[:, : common + more] for more in own]
