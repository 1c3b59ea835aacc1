"""Models, and one local update on K stacked clients."""

from fedsoft.training import cnn, mlp, module, resnet
from fedsoft.training.augmentation import plan_augmentation
from fedsoft.training.calibration import Calibration, Similarity
from fedsoft.training.delivery import Deliveries, Delivery, Multipass, Stochastic
from fedsoft.training.guidance import Guidance
from fedsoft.training.losses import COUPLED, LOSSES, Loss
from fedsoft.training.measure import measured_stack
from fedsoft.training.mixup import plan_mixing
from fedsoft.training.model import MODELS, Model, Parameters, as_batch
from fedsoft.training.module import give_files
from fedsoft.training.options import Training, changed, changes_of
from fedsoft.training.precision import Precision, compute_in
from fedsoft.training.predict import features_of, predict, predict_together
from fedsoft.training.private import PrivateSteps, plan_samples
from fedsoft.training.steps import Steps, plan_steps
from fedsoft.training.update import local_update

__all__ = [
    "COUPLED",
    "LOSSES",
    "MODELS",
    "Calibration",
    "Deliveries",
    "Delivery",
    "Guidance",
    "Loss",
    "Model",
    "Multipass",
    "Parameters",
    "Precision",
    "PrivateSteps",
    "Similarity",
    "Steps",
    "Stochastic",
    "Training",
    "as_batch",
    "changed",
    "changes_of",
    "cnn",
    "compute_in",
    "features_of",
    "give_files",
    "local_update",
    "measured_stack",
    "mlp",
    "module",
    "plan_augmentation",
    "plan_mixing",
    "plan_samples",
    "plan_steps",
    "predict",
    "predict_together",
    "resnet",
]
