"""The one comparison that a study is for."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MARGINS = {"signed_gap": 0.01, "brier": 0.005, "nll": 0.02}
"""By metric, the difference that does not matter, where a study states none."""


class Endpoint(BaseModel):
    """The one comparison that a study is for, fixed before it runs; everything else is exploratory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field("human_soft_mode_matched", description="label of the source on trial")
    baseline: str = Field("hard", description="label of the source it is compared with")
    metric: Literal["brier", "nll", "signed_gap"] = Field("brier", description="what is compared")
    reference: Literal["label", "mode", "vote"] = Field("label", description="against whom it is measured")
    stratum: str = Field("all", description="`all`, or a difficulty stratum")
    view: Literal[
        "raw", "equal_confidence", "calibrated_confidence", "own_temperature", "own_temperature_vote"
    ] = Field(
        "equal_confidence",
        description="as predicted; at equal mean confidence, the baseline's as it is or calibrated; "
        "or after own temperatures",
    )
    strategy: str = Field("fedavg", description="label of the strategy it is compared under")
    margin: float | None = Field(
        None,
        gt=0,
        le=2,
        allow_inf_nan=False,
        description="`as good` within it; by default .01 signed gap, .005 Brier, .02 NLL",
    )

    @property
    def margin_used(self) -> float:
        """The margin, or its default for the metric."""
        return self.margin or MARGINS[self.metric]
