"""How a run's training is protected: its noise, and what it spends."""

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fedsoft.errors import DataError, FedsoftWarning, StudyFileError
from fedsoft.federation import Task
from fedsoft.plural import plural
from fedsoft.privacy import ModelMechanism, Privacy
from fedsoft.privacy.accounting import AccountantName, Releases, epsilon_of, few, solve_noise
from fedsoft.privacy.models import Exposure

if TYPE_CHECKING:
    from fedsoft.study.prepare import Prepared

SAYS_NOTHING = 50.0
"""An ε from which on whoever looks may be as sure as they like."""

Spent = dict[str, float | str]
"""Figures of a run's privacy, by name."""


@dataclass(frozen=True)
class Protection:
    """What protects the clients, or the examples, of a run.

    Attributes:
        mechanism: the rule.
        noise: its noise multiplier, given or solved for.
        exposure: what clients take part in.
        spent: for the run's record: ``model_epsilon_per_client`` or ``model_epsilon_per_example_max`` and
            ``_mean`` (over clients), ``model_delta``, ``model_noise``, ``model_clip``, ``model_accountant``,
            and ``model_relation``, what neighbouring data differ in.
    """

    mechanism: ModelMechanism
    noise: float
    exposure: Exposure
    spent: Spent


def protection_of(privacy: Privacy | None, task: Task, rounds: int) -> Protection | None:
    """The protection of a run's training; None where it has none.

    Raises:
        StudyFileError: the mechanism, its accountant or δ do not fit the run.
        FedsoftError: dp-accounting is not installed, or no noise will do.
    """
    if privacy is None or privacy.model is None or privacy.delta is None:
        return None
    mechanism, exposure = privacy.model, exposure_of(task, rounds)
    units, unit = mechanism.protected(exposure), mechanism.unit
    if privacy.delta >= 1 / max(units, 1):
        raise StudyFileError(
            f"privacy.delta = {privacy.delta:g} would let a mechanism publish one of "
            f"{plural(units, f'{unit}')} outright; set it below 1/{units} = {1 / units:.2g}."
        )
    releases = few(mechanism.releases(exposure))
    usual: AccountantName = "pld" if any(one.usual == "pld" for one in releases) else "rdp"
    accountant = mechanism.accountant or usual
    mend = 'scenario.sampling = "poisson"' if unit == "client" else 'privacy.model.sampling = "poisson"'
    for one in releases:
        one.check(accountant, mend)
    noise, spent = _spent(
        tuple(releases.items()), mechanism.noise, mechanism.epsilon, privacy.delta, accountant, unit
    )
    try:
        mechanism.check(noise, exposure)
    except ValueError as error:
        raise StudyFileError(f"privacy.model: {error}.") from None
    return Protection(mechanism, noise, exposure, {**spent, "model_clip": mechanism.clip})


def check_protection(ready: "Prepared") -> None:
    """Solve for a run's noise before anything is written, and tell what it does not protect.

    Raises:
        FedsoftError: as of `protection_of`.
    """
    protection = ready.protection
    if protection is None:
        return
    unit = protection.mechanism.unit
    privacy = ready.settings.privacy
    pooling = [one.label() for one in ready.settings.sources if one.pools or one.borrows_rate]
    if pooling and privacy and privacy.labels is None:
        raise DataError(
            f"source {pooling[0]!r} makes targets of many examples' votes in the clear, so privacy.model "
            f"would protect a {unit}'s own target, and not its votes in those of others; protect votes with "
            "privacy.labels, or choose a source that is made image by image."
        )
    spent = float(protection.spent[f"model_epsilon_per_{unit}_max"])
    if spent > SAYS_NOTHING:
        warnings.warn(
            f"privacy.model {protection.mechanism.name} spends ε = {spent:.3g} for each {unit}, which "
            "protects it from nothing; raise its noise, or lower rounds or scenario.participation.",
            FedsoftWarning,
            stacklevel=2,
        )


def exposure_of(task: Task, rounds: int) -> Exposure:
    """What a run's clients take part in: cohorts are drawn without regard to data, so they are known."""
    taken = np.zeros(len(task.train), dtype=np.int64)
    for number in range(1, rounds + 1):
        taken[task.cohort(number)] += 1
    return Exposure(
        sizes=task.train.sizes,
        taken=taken,
        rounds=rounds,
        rate=task.participation,
        sampling=task.sampling,
        batch_size=task.training.batch_size,
        epochs=task.training.epochs,
    )


@lru_cache(maxsize=256)
def _spent(
    releases: tuple[tuple[Releases, int], ...],
    noise: float | None,
    epsilon: float | None,
    delta: float,
    accountant: AccountantName,
    unit: str,
) -> tuple[float, Spent]:
    """The noise multiplier, and the record's figures; runs that are alike share them."""
    kinds = dict(releases)
    if noise is None:
        assert epsilon is not None
        noise = solve_noise(epsilon, kinds, delta, accountant) if kinds else math.inf
    each = {one: epsilon_of(one, noise, delta, accountant) for one in kinds}
    most = max(each.values(), default=0.0)
    found: Spent = {f"model_epsilon_per_{unit}_max": most}
    if unit == "example":
        mean = sum(each[one] * count for one, count in kinds.items()) / max(1, sum(kinds.values()))
        found["model_epsilon_per_example_mean"] = mean
    relations = sorted({one.relation for one in kinds})
    return noise, {
        **found,
        "model_delta": delta,
        "model_noise": noise,
        "model_accountant": accountant,
        "model_relation": " and ".join(relations),
    }
