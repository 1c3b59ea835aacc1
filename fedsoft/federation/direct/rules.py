"""What Flower's strategies make of updates, for many runs at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from flwr.serverapp import strategy as flower
from flwr.serverapp.strategy import Strategy
from flwr.serverapp.strategy.strategy_utils import aggregate_metricrecords
from torch import Tensor

from fedsoft.federation import asks
from fedsoft.federation.direct.robust import krum_order, median, trimmed_mean
from fedsoft.federation.direct.state import gathered, kept
from fedsoft.federation.direct.updates import Updates
from fedsoft.federation.servers.nucfl import Nucfl
from fedsoft.training import Parameters


@dataclass(frozen=True)
class Rule(ABC):
    """A strategy's settings, as far as they matter; strategies of equal rules are done at once.

    Strategies stay Flower's objects and keep their state under Flower's names, so that a run may go on
    elsewhere, in messages.
    """

    def told(self) -> dict[str, str | float]:
        """What clients are told."""
        return {}

    def counted(self, updates: Updates) -> Updates:
        """The updates that count."""
        return updates

    @abstractmethod
    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """The global models (R, …) after a round.

        Args:
            strategies: of R runs; their state moves on.
            start: (R, …) the global models before it.
            updates: those that count.
            number: the round.
        """


@dataclass(frozen=True)
class Mean(Rule):
    """FedAvg."""

    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """The mean of the models."""
        return updates.mean()


@dataclass(frozen=True)
class Pulled(Mean):
    """FedProx: the mean of the models of clients that are pulled back to the global one."""

    mu: float

    def told(self) -> dict[str, str | float]:
        """The strength of the pull."""
        return {asks.PROXIMAL: self.mu}


@dataclass(frozen=True)
class Calibrating(Mean):
    """NUCFL: the mean of the models of clients that calibrate themselves."""

    gap: str
    beta: float
    similarity: str

    def told(self) -> dict[str, str | float]:
        """The calibration term."""
        return {
            asks.CALIBRATION: self.gap,
            asks.CALIBRATION_BETA: self.beta,
            asks.SIMILARITY: self.similarity,
        }


@dataclass(frozen=True)
class Momentum(Rule):
    """FedAvgM, in the order in which Flower calculates."""

    momentum: float
    lr: float

    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """One step along the velocity."""
        mean = updates.mean()
        if self.momentum == 0 and self.lr == 1:
            return mean
        step = {name: start[name] - value for name, value in mean.items()}
        if self.momentum > 0:
            before = gathered(strategies, "momentum_vector", step)
            step = {name: self.momentum * before[name] + value for name, value in step.items()}
            kept(strategies, "momentum_vector", step, listed=True)
        return {name: value - self.lr * step[name] for name, value in start.items()}


@dataclass(frozen=True)
class Adaptive(Rule):
    """FedAdagrad, FedAdam and FedYogi, in the order and the precision in which Flower calculates."""

    kind: type[Strategy]
    eta: float
    tau: float
    beta_1: float
    beta_2: float

    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """One step along the first moment over the root of the second."""
        delta = {name: value - start[name] for name, value in updates.mean().items()}
        first, second = (gathered(strategies, name, delta) for name in ("m_t", "v_t"))
        first = {n: self.beta_1 * m + (1 - self.beta_1) * delta[n] for n, m in first.items()}
        second = {name: self._second(value, delta[name] * delta[name]) for name, value in second.items()}
        kept(strategies, "m_t", first)
        kept(strategies, "v_t", second)
        return {name: self._stepped(x, first[name], second[name], number) for name, x in start.items()}

    def _second(self, before: Tensor, squares: Tensor) -> Tensor:
        """The second moment after a round."""
        if self.kind is flower.FedAdagrad:
            return before + squares
        if self.kind is flower.FedAdam:
            return self.beta_2 * before + (1 - self.beta_2) * squares
        return before - (1.0 - self.beta_2) * squares * torch.sign(before - squares)

    def _stepped(self, x: Tensor, first: Tensor, second: Tensor, number: int) -> Tensor:
        """A parameter after the step."""
        below = _root(second) + self.tau
        if self.kind is not flower.FedAdam:
            return x + self.eta * first / below
        # numpy's powers make Flower's step a float64, and with it all that follows.
        eta = (
            self.eta
            * np.sqrt(1 - np.power(self.beta_2, number + 1.0))
            / (1 - np.power(self.beta_1, number + 1.0))
        )
        return (x + first.double() * float(eta) / below).float()


def _root(value: Tensor) -> Tensor:
    """Square roots; torch's own are not rounded correctly on a processor, numpy's are."""
    return value.sqrt() if value.is_cuda else torch.from_numpy(np.sqrt(value.numpy()))


@dataclass(frozen=True)
class Median(Rule):
    """FedMedian."""

    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """The coordinate-wise median."""
        return {name: median(updates.stacked(name)) for name in start}


@dataclass(frozen=True)
class Trimmed(Rule):
    """FedTrimmedAvg."""

    beta: float

    def merge(
        self, strategies: Sequence[Strategy], start: Parameters, updates: Updates, number: int
    ) -> Parameters:
        """The coordinate-wise mean without the extremes."""
        return {name: trimmed_mean(updates.stacked(name), self.beta) for name in start}


@dataclass(frozen=True)
class Nearest(Mean):
    """Krum and Multi-Krum."""

    malicious: int
    keep: int

    def counted(self, updates: Updates) -> Updates:
        """Those of the clients nearest to their neighbours, the nearest first."""
        rows = torch.cat([updates.stacked(name).unsqueeze(2).flatten(2) for name in updates.models], dim=2)
        return updates.chosen(krum_order(rows, self.malicious)[:, : self.keep])


RULES: dict[type[Strategy], Callable[[Any], Rule]] = {
    flower.FedAvg: lambda one: Mean(),
    flower.FedProx: lambda one: Pulled(one.proximal_mu),
    Nucfl: lambda one: Calibrating(one.gap, one.beta, one.similarity),
    flower.FedAvgM: lambda one: Momentum(one.server_momentum, one.server_learning_rate),
    **dict.fromkeys(
        (flower.FedAdagrad, flower.FedAdam, flower.FedYogi),
        lambda one: Adaptive(type(one), one.eta, one.tau, one.beta_1, one.beta_2),
    ),
    flower.FedMedian: lambda one: Median(),
    flower.FedTrimmedAvg: lambda one: Trimmed(one.beta),
    **dict.fromkeys(
        (flower.Krum, flower.MultiKrum), lambda one: Nearest(one.num_malicious_nodes, one.num_nodes_to_select)
    ),
}
"""By the strategy's own class: what a subclass does is not known here."""


def rule_of(strategy: Strategy) -> Rule | None:
    """The rule of a strategy; None for one that wants messages, or does anything in a way of its own."""
    make = RULES.get(type(strategy))
    return make(strategy) if make and _as_it_comes(strategy) else None


def _as_it_comes(strategy: flower.FedAvg) -> bool:
    """Whether a strategy weighs by examples, and nobody gave it a function for Flower's."""
    own = {name for name, value in vars(strategy).items() if callable(value)}
    return (
        own <= {"train_metrics_aggr_fn", "evaluate_metrics_aggr_fn"}
        and strategy.train_metrics_aggr_fn is aggregate_metricrecords
        and strategy.weighted_by_key == "num-examples"
    )
