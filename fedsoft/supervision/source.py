"""The base of label sources, and the path from collected answers to training targets."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np

from fedsoft.annotators import FewVotesError
from fedsoft.errors import DataError
from fedsoft.privacy import Answers, LabelMechanism
from fedsoft.registry import Options, Registry
from fedsoft.supervision.evidence import Evidence, onehot

DeliveryName = Literal["whole", "stochastic", "multipass"]


class LabelSource(Options):
    """A rule that turns votes, labels and predictions into training targets.

    Class attributes:
        needs_predictions: it needs a model's out-of-fold predictions, made by runs of their own.
        linear: its target is linear in the soft label, so an unprojected private one may be used as it is.
        models_votes: it explains how votes came about, and those that privacy changed came about otherwise.
        needs_counts: it needs single votes, and not shares.
        needs_answers: it needs to know who gave which vote.
        anonymous: nobody knows who gave the answers that it is made of, even where people are known.
        sees_labels: it looks at the dataset's label beside the answers.
        delivery: whether training sees the target whole, or hard labels made of it, anew in each epoch.
    """

    needs_predictions: ClassVar[bool] = False
    linear: ClassVar[bool] = False
    models_votes: ClassVar[bool] = False
    needs_counts: ClassVar[bool] = False
    needs_answers: ClassVar[bool] = False
    anonymous: ClassVar[bool] = False
    sees_labels: ClassVar[bool] = False
    delivery: ClassVar[DeliveryName] = "whole"

    @property
    def needs_votes(self) -> bool:
        """Whether the source cannot be built without human votes."""
        return True

    @property
    def borrows_rate(self) -> bool:
        """Whether all that it takes from people is one number, how soft they are on average.

        Such a source is not charged for the votes that the number is read from: a small sample or another
        crowd would tell it as well.
        """
        return False

    def answers(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray | None:
        """The answers that the targets are made of, as (N, C) counts: by default every collected vote.

        These are what label privacy protects; None where the source is made of none.
        """
        return evidence.need("votes", type(self).name) if self.needs_votes else None

    @abstractmethod
    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """Training targets (N, C); rows sum to 1."""


SOURCES = Registry("label source", LabelSource)  # type: ignore[type-abstract]


def supervise(
    source: LabelSource,
    evidence: Evidence,
    privacy: LabelMechanism | None,
    stream: Callable[[str], np.random.Generator],
) -> tuple[np.ndarray, np.ndarray | None]:
    """Build a source's targets: buy answers, privatise them where asked, apply the rule.

    Where a source needs votes and an example has none, its label is the target, as `hard` has it.

    Args:
        source: the label source.
        evidence: what is known of the N examples.
        privacy: the mechanism by which answers leave who gave them, or None.
        stream: gives the generator for a purpose.

    Returns:
        targets (N, C), NaN where an example is not asked now, and the answers (N, C) that they are made of,
        None where there are none.

    Raises:
        DataError: the evidence lacks what the source needs, or the source cannot be made private as asked.
    """
    votes = evidence.votes
    if not source.needs_votes or votes is None or (voted := votes.sum(axis=1) > 0).all():
        return _supervise(source, evidence, privacy, stream)
    if privacy:
        raise DataError(
            f"{(~voted).sum():,} of {len(evidence):,} examples have a label and no answer, and would tell "
            'it in the clear; set dataset.without_votes = "leave_out", or leave [privacy] out.'
        )
    targets, answers = onehot(evidence.labels, evidence.classes), np.zeros_like(votes)
    if voted.any():
        rows = np.flatnonzero(voted)
        try:
            targets[rows], bought = _supervise(source, evidence.subset(rows), privacy, stream)
        except FewVotesError as error:
            error.row = int(rows[error.row])
            raise
        answers[rows] = 0 if bought is None else bought
    return targets, answers


def _supervise(
    source: LabelSource,
    evidence: Evidence,
    privacy: LabelMechanism | None,
    stream: Callable[[str], np.random.Generator],
) -> tuple[np.ndarray, np.ndarray | None]:
    """Targets and answers of examples that all have votes, where the source needs them."""
    name = type(source).name
    if evidence.votes is not None and evidence.votes.dtype.kind == "f" and (source.needs_counts or privacy):
        what = f"label source {name!r}" if source.needs_counts else "[privacy]"
        raise DataError(
            f"{what} needs single votes, and these are shares (soft answers), of which none can be drawn or "
            "changed by itself; add who answered what, or leave it out."
        )
    answers = source.answers(evidence, stream("votes bought"))
    if privacy and answers is None:
        raise DataError(
            f"label source {name!r} is not made of answers that could be protected; "
            "leave it out of a study with [privacy]."
        )
    if privacy and source.sees_labels:
        raise DataError(
            f"label source {name!r} sees each example's label in the clear, beside private answers; "
            "leave it out of a study with [privacy]."
        )
    if privacy and source.models_votes:
        raise DataError(
            f"label source {name!r} models people's votes, which [privacy] has changed; "
            "leave it out of a study with [privacy]."
        )
    if privacy and source.delivery == "multipass":
        raise DataError(
            f"label source {name!r} hands out the votes themselves, which [privacy] replaces by a "
            "distribution; choose stochastic, or leave it out of a study with [privacy]."
        )
    if privacy and not privacy.project and not source.linear:
        raise DataError(
            f"label source {name!r} needs distributions, and unprojected private labels are none; "
            "set privacy.labels.project = true or leave the source out."
        )
    if answers is None or privacy is None:
        if answers is not None:
            evidence = replace(evidence, soft=answers / answers.sum(axis=1, keepdims=True))
        return source.targets(evidence, stream("targets")), answers
    asked = private_answers(source, evidence, answers)
    soft = privacy.apply(asked, stream("randomized response"))
    if evidence.asked is None:
        return source.targets(replace(evidence, soft=soft), stream("targets")), answers
    targets = np.full(answers.shape, np.nan)
    some = evidence.subset(np.flatnonzero(evidence.asked))
    targets[evidence.asked] = source.targets(replace(some, soft=soft), stream("targets"))
    return targets, answers


def private_answers(source: LabelSource, evidence: Evidence, answers: np.ndarray) -> Answers:
    """What a mechanism is to make private: those of a source's answers (N, C) that are asked now."""
    people = None if source.anonymous else evidence.annotations
    given = Answers(answers, evidence.client, people, evidence.prior)
    return given if evidence.asked is None else given.subset(np.flatnonzero(evidence.asked))
