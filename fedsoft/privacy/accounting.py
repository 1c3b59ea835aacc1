"""What Gaussian noise on clipped sums spends: ε at a stated δ, by the package dp-accounting."""

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from fedsoft.errors import FedsoftError

AccountantName = Literal["rdp", "pld"]
Scheme = Literal["all", "poisson", "without_replacement"]
Relation = Literal["add_or_remove", "replace_one"]

ORDERS = (1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, *range(4, 13), 14, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256)
"""Rényi orders where sampling is without replacement, for which each takes long."""
INTERVAL = 5e-4
"""Width of a privacy loss distribution's bins: ε comes out too large by about as much, never too small."""
EXACT = 1e-3
"""How far, relatively, the multiplier that is solved for may be above the smallest that will do."""
MOST = 24
"""How many kinds of releases are accounted for one by one; more are rounded up to as many."""


class AccountingError(FedsoftError):
    """What is to be accounted for cannot be, as it is set."""


@dataclass(frozen=True)
class Releases:
    """Sums of clipped rows that one unit may be part of, each with its noise.

    Attributes:
        scheme: whether all units are in each sum, each by a coin of its own, or so many of them at once.
        relation: what neighbouring data differ in: a unit whose row is there or is not, or one that has
            another row. The latter changes a sum by up to twice the clip norm.
        size: how many units are in a sum, or are expected to be.
        population: of how many.
        count: how many sums there are.
    """

    scheme: Scheme
    relation: Relation
    size: float
    population: float
    count: int

    @property
    def rate(self) -> float:
        """The probability of being in a sum."""
        return min(1.0, self.size / self.population)

    @property
    def usual(self) -> AccountantName:
        """The accountant that counts such releases most tightly."""
        return "pld" if self.scheme == "poisson" else "rdp"

    def check(self, accountant: AccountantName, mend: str) -> None:
        """Refuse an accountant that does not count such releases.

        Args:
            accountant: the accountant.
            mend: the setting under which the sampling would fit, as a user writes it.

        Raises:
            AccountingError: privacy loss distributions are of Poisson sampling, or of none.
        """
        if accountant == "pld" and self.scheme == "without_replacement":
            raise AccountingError(
                'privacy.model.accountant = "pld" counts Poisson sampling, or none, and here samples have a '
                f'fixed size; set {mend}, or accountant = "rdp".'
            )


@lru_cache(maxsize=4096)
def epsilon_of(releases: Releases, noise: float, delta: float, accountant: AccountantName) -> float:
    """The ε that some releases spend at a δ.

    Without replacement, by theorem 27 of Wang, Balle, Kasiviswanathan 2019, arXiv:1808.00087, or as if
    everybody were in every sum, whichever is less: the theorem's bound is loose for large samples. Poisson
    sampling by Mironov, Talwar, Zhang 2019, arXiv:1908.10530 (``rdp``), or by composing discretised privacy
    loss distributions (``pld``: Koskela et al. 2020, arXiv:1906.03049), which is tighter.

    Args:
        releases: the sums.
        noise: standard deviation of each one's noise over the clip norm.
        delta: in (0, 1).
        accountant: must fit; see `Releases.check`.

    Raises:
        AccountingError: dp-accounting is not installed.
    """
    if releases.count == 0:
        return 0.0
    # dp-accounting's multiplier is relative to how far a neighbour can move the sum.
    own = noise / 2 if releases.relation == "replace_one" else noise
    if releases.scheme == "without_replacement":
        return min(_without_replacement(releases, own, delta), _rdp("all", 1.0, own, releases.count, delta))
    if accountant == "rdp":
        return _rdp(releases.scheme, releases.rate, own, releases.count, delta)
    return _pld(releases.rate, own, releases.count, delta)


def worst(all_releases: Mapping[Releases, int]) -> Releases:
    """The kind of releases that spends most, as far as the central limit tells: count · rate² decides.

    Dong, Roth, Su 2022, arXiv:1905.02383, corollary 5.4: the spending is that of a Gaussian of mean
    rate · √(count · (e^(1/z²) - 1)), which orders kinds alike at any multiplier z.
    """
    return max(all_releases, key=lambda one: (one.count * one.rate**2, one.count))


def solve_noise(
    epsilon: float, all_releases: Mapping[Releases, int], delta: float, accountant: AccountantName
) -> float:
    """The least noise multiplier, to 0.1 % above, with which no unit spends more than ε.

    Args:
        epsilon: positive.
        all_releases: kinds of releases.
        delta: in (0, 1).
        accountant: must fit all.

    Raises:
        AccountingError: no multiplier up to a million does.
    """
    noise, binding = 0.0, worst(all_releases)
    while True:
        noise = max(noise, _solved(epsilon, binding, delta, accountant))
        spent = {one: epsilon_of(one, noise, delta, accountant) for one in all_releases}
        binding = max(spent, key=spent.__getitem__)
        if spent[binding] <= epsilon:
            return noise


@lru_cache(maxsize=256)
def _solved(epsilon: float, releases: Releases, delta: float, accountant: AccountantName) -> float:
    """`solve_noise` for one kind, by bisection of the multiplier's logarithm."""

    def does(noise: float) -> bool:
        return epsilon_of(releases, noise, delta, accountant) <= epsilon

    high = 1.0
    while not does(high):
        high *= 2
        if high > 1e6:
            raise AccountingError(
                f"no noise keeps {releases.count} releases within ε = {epsilon:g} at δ = {delta:g}; raise "
                "either, or lower rounds."
            )
    low = high / 2
    while low > 1e-3 and does(low):
        high, low = low, low / 2
    while high / low > 1 + EXACT:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if does(middle) else (middle, high)
    return high


def few(all_releases: Mapping[Releases, int]) -> dict[Releases, int]:
    """At most `MOST` kinds of releases that spend no less than the given ones do.

    Kinds with nearly the same rate become one, with the greatest of their rates and counts.
    """
    if len(all_releases) <= MOST:
        return dict(all_releases)
    found: dict[Releases, int] = {}
    in_order = sorted(all_releases, key=lambda one: (one.scheme, one.relation, one.rate))
    width = -(-len(in_order) // (MOST - 3))  # three schemes may each have a kind more
    for scheme in ("all", "poisson", "without_replacement"):
        alike = [one for one in in_order if one.scheme == scheme]
        for start in range(0, len(alike), width):
            some = alike[start : start + width]
            top = max(some, key=lambda one: one.rate)
            cover = Releases(top.scheme, top.relation, top.size, top.population, max(s.count for s in some))
            found[cover] = found.get(cover, 0) + sum(all_releases[one] for one in some)
    return found


def _rdp(scheme: Scheme, rate: float, noise: float, count: int, delta: float) -> float:
    dp = _package()
    event: Any = dp.GaussianDpEvent(noise)
    if scheme == "poisson" and rate < 1:
        event = dp.PoissonSampledDpEvent(rate, event)
    with _quiet():
        accountant = dp.rdp.RdpAccountant(neighboring_relation=dp.NeighboringRelation.ADD_OR_REMOVE_ONE)
        return float(accountant.compose(event, count).get_epsilon(delta))


def _without_replacement(releases: Releases, noise: float, delta: float) -> float:
    dp = _package()
    with _quiet():
        rdp = dp.rdp.compute_epsilon  # of orders and their divergences
        return float(rdp(ORDERS, releases.count * _sampled(releases.rate, noise), delta)[0])


@lru_cache(maxsize=1024)
def _sampled(rate: float, noise: float) -> Any:
    """Rényi divergences of one sum of a sample without replacement, by `ORDERS`."""
    dp = _package()
    accountant = dp.rdp.RdpAccountant(ORDERS, dp.NeighboringRelation.REPLACE_ONE)
    accountant.compose(dp.SampledWithoutReplacementDpEvent(1.0, rate, dp.GaussianDpEvent(noise)))
    return accountant.rdp


def _pld(rate: float, noise: float, count: int, delta: float) -> float:
    dp = _package()
    event: Any = dp.GaussianDpEvent(noise)
    accountant = dp.pld.PLDAccountant(dp.NeighboringRelation.ADD_OR_REMOVE_ONE, INTERVAL)
    accountant.compose(event if rate == 1 else dp.PoissonSampledDpEvent(rate, event), count)
    return float(accountant.get_epsilon(delta))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without words on orders that are left out: what is left is a bound as well."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _package() -> Any:
    """dp-accounting, which takes half a second to import, and is an extra."""
    try:
        import dp_accounting
        import dp_accounting.pld
        import dp_accounting.rdp
    except ImportError:
        raise AccountingError(
            "what [privacy.model] spends is counted by the package dp-accounting, which is not installed; "
            "run: pip install 'fedsoft[privacy]'."
        ) from None
    return dp_accounting
