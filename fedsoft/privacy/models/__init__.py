"""Model mechanisms, each in a file of its own, and the arithmetic that they share."""

from fedsoft.privacy.models.clipping import adapted, clip, noise_beside_count, norms, share_within
from fedsoft.privacy.models.dp_fedavg import DpFedAvg
from fedsoft.privacy.models.dp_sgd import DpSgd
from fedsoft.privacy.models.mechanism import MODEL_MECHANISMS, Exposure, ModelMechanism
from fedsoft.privacy.models.noise import GaussianNoise

__all__ = [
    "MODEL_MECHANISMS",
    "DpFedAvg",
    "DpSgd",
    "Exposure",
    "GaussianNoise",
    "ModelMechanism",
    "adapted",
    "clip",
    "noise_beside_count",
    "norms",
    "share_within",
]
