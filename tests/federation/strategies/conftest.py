"""A run in which every fourth client's labels are drawn at random."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from flwr.serverapp.strategy import Strategy

from fedsoft.federation import STRATEGIES, Task
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.grids import InProcessGrid
from fedsoft.scenarios import Clients
from fedsoft.streams import stream
from fedsoft.training import MODELS, Training

CLIENTS, EACH, CLASSES, FEATURES = 12, 60, 3, 6
NOISY = np.arange(CLIENTS) % 4 == 0


@pytest.fixture(scope="session")
def noisy() -> np.ndarray:
    """(12,) whose labels are random."""
    return NOISY


@pytest.fixture(scope="session")
def noisy_task() -> Task:
    """Three overlapping clouds, 60 examples a client, and as many for the server."""
    rng, n = stream("noisy clients"), (CLIENTS + 1) * EACH
    labels = rng.integers(CLASSES, size=n)
    inputs = 1.5 * np.eye(CLASSES, FEATURES)[labels] + 0.7 * rng.standard_normal((n, FEATURES))
    client = np.repeat(np.arange(CLIENTS + 1), EACH)
    wrong = np.append(NOISY, False)[client]
    labels[wrong] = rng.integers(CLASSES, size=wrong.sum())
    held = np.arange(CLIENTS * EACH)
    return Task(
        run="noisy clients",
        seed=0,
        model=MODELS.parse({"name": "mlp", "hidden": [8]}),
        training=Training(lr=0.2, batch_size=16, epochs=5),
        participation=1.0,
        inputs=torch.from_numpy(inputs.astype(np.float32)),
        targets=torch.eye(CLASSES)[torch.from_numpy(labels)],
        train=Clients.deal(held, client[held], CLIENTS),
        unlabelled=np.flatnonzero(client == CLIENTS),
    )


@pytest.fixture
def last_weights(noisy_task, federate) -> Callable[[str | dict], tuple[Strategy, np.ndarray]]:
    """Trains through ten rounds, and gives the strategy and the clients' last weights, which sum to 1."""

    def train(choice: str | dict) -> tuple[Strategy, np.ndarray]:
        strategy, seen = STRATEGIES.parse(choice).build(AtServer.of(noisy_task)), []
        weigh = strategy.weigh
        strategy.weigh = lambda replies: seen.append(weigh(replies)) or seen[-1]
        federate(strategy, InProcessGrid(noisy_task), 10)
        return strategy, seen[-1] / seen[-1].sum()

    return train
