"""What a run's privacy makes of its strategy, and of what its clients are asked."""

from flwr.serverapp.strategy import Strategy

from fedsoft.federation import StrategyOptions, asks
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.servers.private_mean import PrivateMean
from fedsoft.privacy import DpFedAvg, DpSgd
from fedsoft.study.prepare import Prepared
from fedsoft.study.protection import Protection


def built(strategy: StrategyOptions, prepared: Prepared, at: AtServer) -> Strategy:
    """A fresh strategy, behind the noise that protects clients, if any does."""
    inner, protection = strategy.build(at), prepared.protection
    if protection is None or not isinstance(protection.mechanism, DpFedAvg):
        return inner
    return PrivateMean(
        inner, protection.mechanism, protection.noise, protection.exposure.cohort, prepared.task.seed
    )


def asked_of_clients(protection: Protection | None) -> dict[str, str | float]:
    """What clients are told in every round, so that each example is protected; else nothing."""
    if protection is None or not isinstance(protection.mechanism, DpSgd):
        return {}
    return {
        asks.EXAMPLE_CLIP: protection.mechanism.clip,
        asks.EXAMPLE_NOISE: protection.noise,
        asks.EXAMPLE_SAMPLING: protection.mechanism.sampling,
    }
