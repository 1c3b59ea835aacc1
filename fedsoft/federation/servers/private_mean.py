"""A strategy of means that sees no more of a round than a clipped and noisy sum."""

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from fedsoft.federation import asks
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.servers.flat import flatten
from fedsoft.federation.totals import Total
from fedsoft.privacy import DpFedAvg
from fedsoft.privacy.models import adapted, clip, norms, share_within
from fedsoft.streams import stream


class PrivateMean(Strategy):
    """Any strategy of means under `DpFedAvg`: it gets one reply, the start and the noisy mean update.

    Flower's wrappers add their noise to what the strategy made of the clients' updates. Behind a server
    optimizer that is neither the noise that was accounted for (its step scales the updates, not the noise)
    nor all that leaks (its moments stay without). Here noise comes first, and what a strategy does with the
    noisy mean, in this round and later ones, is post-processing.

    What arrives is clipped here on either side, so that the bound never rests on a client's arithmetic.

    Attributes:
        inner: the strategy.
        clip_norm: the bound on an update's norm, in this round.
        noise: noise multiplier of the sum.
        expected: the number of clients that a cohort is expected to have, which the sum is divided by.
        seed: governs the noise.
        at_clients: whether clients clip before they send.
        count_noise: standard deviation of the noise on the number of updates within the bound; 0 where the
            bound is fixed.
        quantile: share of the updates that the bound is moved to.
        clip_lr: how fast.
    """

    def __init__(
        self, inner: Strategy, mechanism: DpFedAvg, noise: float, expected: float, seed: int
    ) -> None:
        """With the multiplier that is accounted for: a count, where there is one, takes its share of it."""
        self.inner, self.expected, self.seed = inner, expected, seed
        self.clip_norm = mechanism.clip
        self.noise = mechanism.noise_of_updates(noise, expected)
        self.at_clients = mechanism.side == "client"
        self.count_noise = mechanism.noise_of_count(noise, expected) or 0.0
        self.quantile, self.clip_lr = mechanism.quantile, mechanism.clip_lr
        self._start: ArrayRecord | None = None

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """The strategy's messages; where clients clip, with the bound."""
        self._start = arrays
        if self.at_clients:
            config[asks.UPDATE_CLIP] = self.clip_norm
        return self.inner.configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """What the strategy makes of the noisy mean."""
        assert self._start is not None
        start, self._start = self._start, None
        total = self.released(server_round, start, list(replies))
        return self.inner.aggregate_train(server_round, [total.as_reply(start)])

    def of_nobody(
        self, server_round: int, arrays: ArrayRecord, grid: CohortGrid
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """What the strategy makes of a cohort of none, whose sum is noise: who came is private."""
        # Strategies wait for somebody, and take note of the model when they are asked for messages.
        grid.cohort = grid.task.occupied[:1].tolist()
        list(self.configure_train(server_round, arrays, ConfigRecord(), grid))
        grid.cohort = []
        return self.aggregate_train(server_round, [])

    def released(self, server_round: int, start: ArrayRecord, replies: Sequence[Message]) -> Total:
        """The noisy sum of clipped updates over the expected cohort; the bound moves on where it is adaptive.

        Losses are of those who answered, and in the clear: the simulation's view, which nothing that is
        released depends on.
        """
        before = flatten(start).astype(np.float64)
        updates = np.empty((len(replies), len(before)))
        for row, reply in zip(updates, replies, strict=True):
            row[:] = flatten(reply.content["arrays"])
            if not self.at_clients:
                row -= before
        noise = stream("noise on the sum", seed=self.seed, round=server_round).standard_normal(len(before))
        bound = self.clip_norm
        total = clip(updates, bound).sum(axis=0) + self.noise * bound * noise
        if self.count_noise:
            rng = stream("noise on the count", seed=self.seed, round=server_round)
            drawn = float(rng.normal(0, self.count_noise))
            within = share_within(norms(updates), bound, drawn, self.expected)
            self.clip_norm = adapted(bound, within, self.quantile, self.clip_lr)
        losses = [float(reply.content["metrics"]["train-loss"]) for reply in replies]
        loss = float(np.mean(losses)) if losses else 0.0
        return Total(total, self.expected, loss * self.expected, len(replies))

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """The strategy's."""
        return self.inner.configure_evaluate(server_round, arrays, config, grid)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """The strategy's."""
        return self.inner.aggregate_evaluate(server_round, replies)

    def summary(self) -> None:
        """The strategy's."""
        self.inner.summary()
