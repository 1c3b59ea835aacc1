"""Each image's own label distribution, as far as few and careless votes tell it."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from fedsoft.annotators.denoise import (
    MOST_VOTES,
    denoised_mean,
    denoised_mixture_mean,
    fit_denoised_mixture,
    fit_denoised_prior,
)
from fedsoft.annotators.mixture import fit_mixture
from fedsoft.annotators.prior import fit_prior, posterior_mean, tally
from fedsoft.annotators.slip_rate import (
    agreement_counts,
    estimate_slip_rate,
    largest_rate,
    slip_rate_band,
)
from fedsoft.errors import DataError
from fedsoft.supervision.evidence import Evidence
from fedsoft.supervision.source import SOURCES, LabelSource


@SOURCES("human_soft_shrunk")
class HumanSoftShrunk(LabelSource):
    """The posterior mean of the image's own label distribution: the noise of few votes removed.

    Empirical Bayes: a Dirichlet prior for each label, fitted on the training examples of all clients through
    sums that they may share; where labels are the votes' own majority, one prior for all, which may be a
    mixture. Differs from `human_soft` in sampling noise only; equals it at many votes.
    """

    pools = True
    models_votes: ClassVar[bool] = True
    needs_counts: ClassVar[bool] = True

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """(alpha of the label + votes), normalised; under a mixture, the mean of that over its components."""
        votes = evidence.need("votes", "human_soft_shrunk")
        if evidence.labels_are_majority:
            return fit_mixture(votes).posterior_mean(votes)
        prior = fit_prior(tally(votes, evidence.labels, int(votes.sum(axis=1).max())))
        return posterior_mean(votes, prior[evidence.labels])


@SOURCES("human_soft_denoised")
class HumanSoftDenoised(LabelSource):
    """The same posterior with annotators' slips explained away: ambiguity without carelessness.

    A slip falls evenly on the other classes. From votes alone slips and ambiguity cannot be told apart: state
    either anchor, `unambiguous_share` or `slip_rate`. Differs from `human_soft_shrunk` in carelessness only.
    Where labels are the majority of fewer than five votes, a share tells too little: state the rate.
    """

    pools = True

    unambiguous_share: float | None = Field(
        None, gt=0, le=1, description="share of examples on which all who look well give the label"
    )
    slip_rate: float | None = Field(
        None, ge=0, lt=1, description="probability that a vote slips, as measured on gold items"
    )

    models_votes: ClassVar[bool] = True
    needs_counts: ClassVar[bool] = True

    @model_validator(mode="after")
    def _one_anchor(self) -> Self:
        if self.unambiguous_share is not None and self.slip_rate is not None:
            raise ValueError("takes either `unambiguous_share` or `slip_rate`, not both")
        return self

    def targets(self, evidence: Evidence, rng: np.random.Generator) -> np.ndarray:
        """Posterior means, given the anchor.

        Raises:
            DataError: there is no anchor, its slip rate leaves votes without meaning, or they are too many.
        """
        votes = evidence.need("votes", "human_soft_denoised")
        if (most := int(votes.sum(axis=1).max())) > MOST_VOTES:
            raise DataError(
                f"label source 'human_soft_denoised' takes {MOST_VOTES} votes an example at most, and one "
                f"has {most}; set scenario.votes, or choose human_soft_shrunk."
            )
        rate = self._rate(votes, evidence)
        if evidence.labels_are_majority:
            return denoised_mixture_mean(votes, fit_denoised_mixture(votes, rate), rate)
        prior = fit_denoised_prior(votes, evidence.labels, rate)
        return denoised_mean(votes, prior[evidence.labels], rate)

    def _rate(self, votes: np.ndarray, evidence: Evidence) -> float:
        counts = agreement_counts(votes, evidence.labels, int(votes.sum(axis=1).max()))
        if self.slip_rate is not None:
            rate, why, other = self.slip_rate, "", "one"
        elif self.unambiguous_share is not None:
            rate = estimate_slip_rate(counts, evidence.classes, self.unambiguous_share)
            why = f", which an unambiguous share of {self.unambiguous_share:g} implies,"
            other = "a slip rate"
        else:
            low, high = slip_rate_band(counts, evidence.classes)
            raise DataError(
                "label source 'human_soft_denoised' is not identified: from votes alone, any slip rate from "
                f"{low:.3g} to {high:.3g} is possible; state an anchor, `unambiguous_share` or `slip_rate`."
            )
        if rate >= (largest := largest_rate(evidence.classes)):
            raise DataError(
                f"label source 'human_soft_denoised': at a slip rate of {rate:.3g}{why} votes on "
                f"{evidence.classes} classes say nothing; state {other} below {largest:.3g}."
            )
        return rate
