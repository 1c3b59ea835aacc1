"""Audits: what an attack's success says about ε, as pure arithmetic on guesses and scores."""

from fedsoft.privacy.audit.guesses import Guessed, audit_guesses, ladder
from fedsoft.privacy.audit.lira import log_likelihood_ratio, log_odds, pooled_evidence
from fedsoft.privacy.audit.one_run import ceiling, lower_bound, p_value
from fedsoft.privacy.audit.rates import (
    Rate,
    area_under_curve,
    clopper_pearson,
    epsilon_of_rates,
    epsilon_of_scores,
    rate_at,
)

__all__ = [
    "Guessed",
    "Rate",
    "area_under_curve",
    "audit_guesses",
    "ceiling",
    "clopper_pearson",
    "epsilon_of_rates",
    "epsilon_of_scores",
    "ladder",
    "log_likelihood_ratio",
    "log_odds",
    "lower_bound",
    "p_value",
    "pooled_evidence",
    "rate_at",
]
