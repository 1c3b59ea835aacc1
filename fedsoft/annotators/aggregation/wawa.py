"""Worker agreement with aggregate: votes weighted by agreement with the majority."""

import numpy as np

from fedsoft.annotators.aggregation.answers import Aggregate, sums_of, votes_of
from fedsoft.datasets import Annotations


def wawa(annotations: Annotations, images: int, classes: int) -> Aggregate:
    """Worker agreement with aggregate: votes weighted by how often their annotator agrees with the majority.

    As in Crowd-Kit (Ustalov et al. 2024, JOSS 9, 6227), but an annotator who names one of t tied classes
    agrees by 1/t. The posterior is the weighted share of votes; where nobody ever agrees, the plain share.

    Args:
        annotations: at least one for each image.
        images: number of images N.
        classes: number of classes C.
    """
    votes = votes_of(annotations, images, classes)
    top = votes == votes.max(axis=1, keepdims=True)
    agrees = (top / top.sum(axis=1, keepdims=True))[annotations.item, annotations.label]
    skill = sums_of(annotations, agrees) / np.maximum(sums_of(annotations), 1)
    weighted = votes_of(annotations, images, classes, skill[annotations.annotator])
    counts = np.where(weighted.sum(axis=1, keepdims=True) > 0, weighted, votes)
    return Aggregate(counts / counts.sum(axis=1, keepdims=True), skill)
