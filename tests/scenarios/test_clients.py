"""Clients are views of one array of rows."""

import numpy as np
import pytest

from fedsoft.scenarios import Clients


@pytest.fixture
def clients():
    return Clients.deal(np.array([9, 2, 5, 7, 4]), owner=np.array([2, 0, 2, 0, 2]), clients=4)


def test_rows_are_grouped_and_ascending(clients):
    assert [clients.of(k).tolist() for k in range(4)] == [[2, 7], [], [4, 5, 9], []]
    assert clients.sizes.tolist() == [2, 0, 3, 0]
    assert clients.owner.tolist() == [0, 0, 2, 2, 2]
    assert len(clients) == 4


def test_a_client_is_a_view(clients):
    for k in (0, 2):
        assert np.shares_memory(clients.of(k), clients.rows)


def test_ten_thousand_clients_cost_their_indices():
    many = Clients.deal(np.arange(50_000), np.arange(50_000) % 10_000, 10_000)
    assert many.of(9_999).tolist() == [9_999, 19_999, 29_999, 39_999, 49_999]
    assert many.rows.nbytes + many.offsets.nbytes == 8 * (50_000 + 10_001)


def test_keeping_some_leaves_the_clients_their_numbers(clients):
    kept = clients.keep(clients.rows > 5)
    assert [kept.of(k).tolist() for k in range(4)] == [[7], [], [9], []]


def test_pooled_is_one_client(clients):
    pooled = clients.pooled()
    assert len(pooled) == 1
    assert pooled.of(0).tolist() == [2, 4, 5, 7, 9]
