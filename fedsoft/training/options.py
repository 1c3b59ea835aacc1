"""Options of local training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fedsoft.registry import Options
from fedsoft.training.losses import CrossEntropy, LossChoice

Augment = Literal["none", "crops", "flips", "crops_and_flips"]


class Training(BaseModel):
    """How each client trains in a round: SGD on a loss between predictions and targets."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loss: LossChoice = Field(default_factory=CrossEntropy, description="what is minimised")
    lr: float = Field(0.1, gt=0, le=1e30, description="learning rate")
    lr_decay: float = Field(1.0, gt=0, le=1, description="factor on the learning rate after each round")
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum within a round; it starts anew in each")
    weight_decay: float = Field(0.0, ge=0, le=1e6, description="L2 penalty on all parameters")
    mixup: float = Field(
        0.0, ge=0, le=1e3, description="mix examples pairwise by shares from Beta(α, α); 0 does not"
    )
    augment: Augment = Field(
        "none",
        description="how chance shows images, anew in every local epoch: moved by up to an eighth of their "
        "side (crops), mirrored left to right (flips), or both",
    )
    batch_size: int = Field(32, ge=1, le=1_000_000, description="examples a step")
    epochs: int = Field(1, ge=1, le=10_000, description="local passes over the client's examples a round")
    stop: Literal["last", "best_validation"] = Field(
        "last", description="the model kept: of the last round, or of the one with the least validation NLL"
    )


def changed(usual: Training, changes: Training) -> Training:
    """Options of training, with those that are set in another put in their place."""
    return usual.model_copy(update={key: getattr(changes, key) for key in changes.model_fields_set})


def changes_of(changes: Training) -> list[str]:
    """The options that are set, each in a few words, by name: a choice by its label, others as ``lr=0.1``."""
    found = ((key, getattr(changes, key)) for key in sorted(changes.model_fields_set))
    return [value.label() if isinstance(value, Options) else f"{key}={value}" for key, value in found]
