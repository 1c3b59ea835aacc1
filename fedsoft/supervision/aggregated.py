"""Crowd aggregation: the posterior over one true class, from who said what."""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.annotators.aggregation import SMOOTHING, Aggregate, dawid_skene, one_coin, wawa
from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.source import SOURCES, LabelSource


class Aggregated(LabelSource):
    """A source whose target is an aggregation's posterior, over the annotations of all clients."""

    models_votes: ClassVar[bool] = True
    needs_answers: ClassVar[bool] = True

    @abstractmethod
    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """The aggregation."""

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The posterior.

        Raises:
            DataError: an image has no votes, or it is not known who gave which.
        """
        name = type(self).name
        evidence.need("votes", name)
        if evidence.annotations is None:
            raise DataError(
                f"label source {name!r} needs single annotations (who chose what), and here only vote counts "
                "are known; use data with `annotator_labels`, all votes, no added noise and a partition that "
                "gives each example to one client, or choose another source."
            )
        return self.aggregate(evidence.annotations, len(evidence), evidence.classes).posterior


@SOURCES("dawid_skene")
class DawidSkene(Aggregated):
    """Posterior over one true class, each annotator having a confusion matrix (Dawid and Skene 1979).

    The matrix of one with few answers leans on that of the whole crowd.
    """

    smoothing: float = Field(
        SMOOTHING,
        ge=0,
        description="answers a true class that each annotator borrows from the crowd; 0: the method of 1979",
    )

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """By EM."""
        return dawid_skene(annotations, images, classes, self.smoothing)


@SOURCES("one_coin")
class OneCoin(Aggregated):
    """Posterior over one true class, each annotator having one reliability (one-coin Dawid-Skene)."""

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """By EM."""
        return one_coin(annotations, images, classes)


@SOURCES("wawa")
class Wawa(Aggregated):
    """Votes weighted by how often their annotator agrees with the majority (worker agreement, "wawa")."""

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """One pass."""
        return wawa(annotations, images, classes)
