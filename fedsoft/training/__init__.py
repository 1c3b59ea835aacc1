"""Models, and one local update on K stacked clients."""

from fedsoft.training import cnn, mlp
from fedsoft.training.model import MODELS, Model, Parameters
from fedsoft.training.options import Training
from fedsoft.training.predict import predict
from fedsoft.training.update import local_update, plan_steps

__all__ = [
    "MODELS",
    "Model",
    "Parameters",
    "Training",
    "cnn",
    "local_update",
    "mlp",
    "plan_steps",
    "predict",
]
