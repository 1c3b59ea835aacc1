"""Datasets: inputs with labels and, where they exist, human votes."""

from fedsoft.datasets import (
    answers_alone,
    cifar10h,
    cifar10n,
    digits,
    ferplus,
    image_folder,
    known_people,
    lidc,
    npz,
)
from fedsoft.datasets.annotated import AnnotatedDataset, Annotations
from fedsoft.datasets.dataset import DATASETS, Dataset
from fedsoft.datasets.folder import data_folder
from fedsoft.datasets.splits import fold_of

__all__ = [
    "DATASETS",
    "AnnotatedDataset",
    "Annotations",
    "Dataset",
    "answers_alone",
    "cifar10h",
    "cifar10n",
    "data_folder",
    "digits",
    "ferplus",
    "fold_of",
    "image_folder",
    "known_people",
    "lidc",
    "npz",
]
