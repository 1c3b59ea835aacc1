"""The server that takes clients for annotators: what it learns of their slips, and does about them."""

from collections.abc import Iterable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp import Grid

from fedsoft.federation import asks
from fedsoft.federation.servers.weighing import Weighing, examples_of, telling
from fedsoft.federation.strategies.options import WHOLE_COHORT

LARGEST = 0.98
"""Rate from which on a client's labels say next to nothing."""


class FedCrowd(Weighing):
    """A mean weighted by the examples whose labels have not slipped.

    Attributes:
        use: what clients make of their rates.
        reports: rounds of its own in which a client tells its sums.
        careful: share of the clients from whose rate others' are counted.
        sums: (clients, 5) what each client has told, over its rounds.
        told: (clients,) in how many rounds it has.
        examples: (clients,) how many it trains on; 0 before it has told anything.
    """

    def __init__(self, clients: int, use: str, reports: int, careful: float) -> None:
        super().__init__(**WHOLE_COHORT)
        self.use, self.reports, self.careful = use, reports, careful
        self.sums = np.zeros((clients, 5))
        self.told, self.examples = np.zeros(clients), np.zeros(clients)

    def rates(self) -> np.ndarray:
        """(clients,) slip rates beside the model, each as far as it is sure; NaN before a client has told."""
        known = self.told > 0
        rates = np.full(len(known), np.nan)
        if known.any():
            rates[known] = shrunk(*slip_rates(self.sums[known], self.told[known], self.examples[known]))
        return rates

    def slips(self) -> np.ndarray:
        """(clients,) how often labels slip beside those of the careful; 0 until a client has told all."""
        rates, known = self.rates(), self.told >= self.reports
        slips = np.zeros(len(known))
        if known.any():
            slips[known] = beside(rates[known], float(np.quantile(rates[known], self.careful)))
        return slips

    def quality_found(self) -> np.ndarray:
        """One less the slip rates."""
        return 1 - self.rates()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Flower's messages, with questions, or with each client's rate."""
        if self.told.min() < self.reports:
            config[asks.REPORT] = "disagreement"
        if self.use != "weights":
            config[asks.SLIPS] = self.use
        messages = super().configure_train(server_round, arrays, config, grid)
        return messages if self.use == "weights" else list(telling(messages, grid, asks.SLIP, self.slips()))

    def weigh(self, replies: Sequence[Message]) -> np.ndarray:
        """Examples whose labels have not slipped, with what the replies tell of them."""
        examples, clients = examples_of(replies), asks.partitions(replies)
        for client, reply, count in zip(clients, replies, examples, strict=True):
            if self.told[client] < self.reports:
                self.sums[client] += asks.told(reply, "disagreement")
                self.told[client] += 1
                self.examples[client] = count
        weights: np.ndarray = examples * (1 - self.slips()[clients])
        return weights


def slip_rates(sums: np.ndarray, rounds: np.ndarray, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slip rates, and the variances of their errors.

    A rate is a ratio of sums, linearised: its variance is that of the residuals δ - ρ g. Rounds tell of the
    same examples, so they count as one.

    Args:
        sums: (K, 5) over rounds and examples of δ, g, δ², δg and g²; see `reports.disagreement`.
        rounds: (K,) how many rounds.
        examples: (K,) how many examples.

    Returns:
        rates (K,), at most 1, and variances (K,).
    """
    delta, gain, delta2, cross, gain2 = sums.T
    gain = np.maximum(gain, np.finfo(float).tiny)
    rates = delta / gain
    residual = np.maximum(delta2 - 2 * rates * cross + rates**2 * gain2, 0) * rounds / gain**2
    # Of n examples that all agree the next may slip: no rate is sure.
    variances = residual * examples / np.maximum(examples - 1, 1) + 1 / (4 * examples**2)
    return np.minimum(rates, 1.0), variances


def shrunk(rates: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """(K,) rates drawn to their mean as far as their spread is that of their errors, of variances (K,).

    Empirical Bayes with a normal prior, found by moments as by DerSimonian and Laird 1986
    (doi:10.1016/0197-2456(86)90046-2), with weights that no single client can dominate.
    """
    weights = 1 / (variances + np.median(variances))
    mean = np.average(rates, weights=weights)
    spread = max(0.0, float(np.average((rates - mean) ** 2 - variances, weights=weights)))
    drawn: np.ndarray = mean + spread / (spread + variances) * (rates - mean)
    return drawn


def beside(rates: np.ndarray, careful: float) -> np.ndarray:
    """(K,) slips beside those of the careful, in [0, .98]: two slips in a row keep (1 - a)(1 - b)."""
    slips: np.ndarray = np.clip(1 - (1 - rates) / max(1 - careful, np.finfo(float).tiny), 0, LARGEST)
    return slips
