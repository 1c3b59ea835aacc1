"""Crowd aggregation: the posterior over one true class, from who said what."""

import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from fedsoft.annotators.aggregation import SMOOTHING, Aggregate, dawid_skene, glad, mace, one_coin, wawa
from fedsoft.annotators.aggregation.glad import DIFFICULTY, SPREAD
from fedsoft.datasets import Annotations
from fedsoft.errors import DataError, FedsoftWarning
from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.source import SOURCES, LabelSource


class Aggregated(LabelSource):
    """A source whose target is an aggregation's posterior, over the annotations of all clients."""

    pools = True
    models_votes: ClassVar[bool] = True
    needs_answers: ClassVar[bool] = True

    @abstractmethod
    def enough_answers(self, classes: int) -> int:
        """Answers a person from which on the method knows more of people than their average.

        In simulated crowds with 1 to 50 answers a person (able and careless, spammers, errors of their own,
        hard images; 2, 4 and 10 classes), so many made a method right more often than the majority, and not
        much too sure.
        """

    @abstractmethod
    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """The aggregation."""

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """The posterior; warns where half of the answers come from people who gave too few for the method.

        Raises:
            DataError: an image has no votes, or it is not known who gave which.
        """
        name = type(self).name
        evidence.need("votes", name)
        if evidence.annotations is None:
            raise DataError(
                f"label source {name!r} needs to know who gave each answer, and here only counts of votes "
                "are known; give the single answers (item, annotator and label, or `annotator_labels` in "
                "an npz), or choose another source, such as human_soft_shrunk."
            )
        answers, place, items = evidence.annotations, np.arange(len(evidence)), len(evidence)
        if evidence.row is not None:  # clients who hold one item answered it together
            rows, place = np.unique(evidence.row, return_inverse=True)
            answers, items = replace(answers, item=place[answers.item]), len(rows)
        annotator, needed = answers.annotator, self.enough_answers(evidence.classes)
        if np.median(np.bincount(annotator)[annotator]) < needed:
            # No figures of the run: what is worded the same is told once.
            warnings.warn(
                f"at least half of the answers come from people who gave fewer than {needed} each, "
                f"too few for label source {name!r} to tell people apart, so its targets rest on the crowd's "
                "average or are too sure; let fewer people answer more each, or choose "
                "human_soft_shrunk, which asks nothing about people.",
                FedsoftWarning,
                stacklevel=2,
            )
        return self.aggregate(answers, items, evidence.classes).posterior[place]


@SOURCES("dawid_skene")
class DawidSkene(Aggregated):
    """Posterior over one true class, each annotator having a confusion matrix (Dawid and Skene 1979).

    The matrix of one with few answers leans on that of the whole crowd.
    """

    smoothing: float = Field(
        SMOOTHING,
        ge=0,
        description=(
            "answers a true class that each annotator borrows from the crowd, and an image that the class "
            "shares borrow from the votes; 0: the method of 1979"
        ),
    )

    def enough_answers(self, classes: int) -> int:
        """Five a class: then people's own matrices are right more often than one matrix for all."""
        return 5 * classes

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """By EM."""
        return dawid_skene(annotations, images, classes, self.smoothing)


@SOURCES("one_coin")
class OneCoin(Aggregated):
    """Posterior over one true class, each annotator having one reliability (one-coin Dawid-Skene)."""

    def enough_answers(self, classes: int) -> int:
        """Twenty: its few answers make an annotator infallible."""
        return 20

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """By EM."""
        return one_coin(annotations, images, classes)


@SOURCES("wawa")
class Wawa(Aggregated):
    """Votes weighted by how often their annotator agrees with the majority (worker agreement, "wawa")."""

    def enough_answers(self, classes: int) -> int:
        """Three: with one, nobody agrees more than others on the same image."""
        return 3

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """One pass."""
        return wawa(annotations, images, classes)


@SOURCES("mace")
class Mace(Aggregated):
    """Posterior over one true class, annotators knowing it or answering by habit (MACE, Hovy et al. 2013).

    Made for crowds with spammers. Whoever has given few answers is as honest as the whole crowd.
    """

    smoothing: float = Field(
        SMOOTHING,
        ge=0,
        description="answers that each annotator's honesty borrows from the crowd; 0: the method of 2013",
    )

    def enough_answers(self, classes: int) -> int:
        """Five: with fewer, all are much alike."""
        return 5

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """By variational Bayes."""
        return mace(annotations, images, classes, self.smoothing)


@SOURCES("glad")
class Glad(Aggregated):
    """Posterior over one true class, from people's ability and examples' easiness (Whitehill et al. 2009).

    Known as GLAD; made for examples of unequal difficulty. Whoever has given few answers is as able as the
    whole crowd.
    """

    spread: float = Field(
        SPREAD, gt=0, description="how far people's abilities differ: a standard deviation, in log odds"
    )
    difficulty: float = Field(
        DIFFICULTY,
        ge=0,
        description="how far examples differ: the standard deviation of their log easiness; 0: not at all",
    )

    def enough_answers(self, classes: int) -> int:
        """Five: with fewer, all are much alike."""
        return 5

    def aggregate(self, annotations: Annotations, images: int, classes: int) -> Aggregate:
        """At the most probable abilities."""
        return glad(annotations, images, classes, self.spread, self.difficulty)
