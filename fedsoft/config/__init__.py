"""The study file: typed, validated, and expanded into the cells of its grid."""

from fedsoft.config.arm import Arm
from fedsoft.config.choices import (
    CalibratorChoice,
    Changes,
    DatasetChoice,
    ModelChoice,
    SourceChoice,
    StrategyChoice,
)
from fedsoft.config.endpoint import MARGINS, Endpoint
from fedsoft.config.read import cells, read_study, validate
from fedsoft.config.study import Redraw, Study
from fedsoft.config.tune import Tune

__all__ = [
    "MARGINS",
    "Arm",
    "CalibratorChoice",
    "Changes",
    "DatasetChoice",
    "Endpoint",
    "ModelChoice",
    "Redraw",
    "SourceChoice",
    "StrategyChoice",
    "Study",
    "Tune",
    "cells",
    "read_study",
    "validate",
]
