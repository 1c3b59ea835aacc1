"""What a study file chooses by name, as types of its keys."""

from typing import Annotated

from pydantic import PlainSerializer

from fedsoft.datasets import DATASETS, Dataset
from fedsoft.evaluation import CALIBRATORS, Calibrator
from fedsoft.federation.strategies import STRATEGIES, StrategyOptions
from fedsoft.supervision import SOURCES, LabelSource
from fedsoft.training import MODELS, Model, Training

SourceChoice = Annotated[LabelSource, SOURCES.validator, SOURCES.serializer]
StrategyChoice = Annotated[StrategyOptions, STRATEGIES.validator, STRATEGIES.serializer]
DatasetChoice = Annotated[Dataset, DATASETS.validator, DATASETS.serializer]
ModelChoice = Annotated[Model, MODELS.validator, MODELS.serializer]
CalibratorChoice = Annotated[Calibrator, CALIBRATORS.validator, CALIBRATORS.serializer]
Changes = Annotated[Training, PlainSerializer(lambda options: options.model_dump(exclude_unset=True))]
"""Options of training that are set, to stand in for a study's; the others are as in the study."""
