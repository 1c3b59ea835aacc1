"""Batches are drawn client by client, and whatever their targets are, in the same order."""

import numpy as np
import pytest

from fedsoft.streams import stream
from fedsoft.training import Training, plan_steps

BATCH, SIZES = 4, (3, 1, 11, 4, 8)
"""Fewer examples than a batch, one, more than a batch, exactly a batch, and two."""
ROWS = np.split(stream("rows").permutation(sum(SIZES)), np.cumsum(SIZES)[:-1])


def rngs(clients):
    return [stream("batch order", client=k) for k in clients]


def test_each_epoch_passes_over_every_example_once():
    steps = plan_steps(ROWS, Training(batch_size=BATCH, epochs=3), rngs(range(len(SIZES))))
    for place, k in enumerate(steps.client):
        mine = steps.batches_of(place)
        used = steps.rows[mine][steps.weights[mine] > 0].reshape(3, SIZES[k])
        assert all(sorted(epoch) == sorted(ROWS[k]) for epoch in used.tolist())
        assert set(steps.rows[mine].ravel()) == set(ROWS[k])  # padding is the client's own
    big = steps.rows[steps.batches_of(list(steps.client).index(2))][:9].reshape(3, -1)
    assert len({tuple(epoch) for epoch in big.tolist()}) == 3


def test_the_longest_train_first_and_weights_are_those_of_a_mean():
    steps = plan_steps(ROWS, Training(batch_size=BATCH, epochs=2), rngs(range(len(SIZES))))
    assert steps.client.tolist() == [2, 4, 0, 1, 3]  # 6, 4, 2, 2 and 2 steps
    assert steps.active.tolist() == [5, 5, 2, 2, 1, 1]
    assert steps.counts.tolist() == [6, 4, 2, 2, 2]
    assert steps.batches_of(1).tolist() == [1, 6, 11, 13]
    np.testing.assert_allclose(steps.weights.sum(axis=1), 1, atol=1e-6)
    assert steps.weights[steps.batches_of(0)[2]].tolist() == pytest.approx(
        [1 / 3, 1 / 3, 1 / 3, 0]
    )  # 11 = 4 + 4 + 3


def test_a_clients_order_is_its_own():
    """It depends on its generator, not on who else trains."""
    training = Training(batch_size=BATCH)
    whole, some = (plan_steps([ROWS[k] for k in who], training, rngs(who)) for who in (range(5), [1, 2]))
    np.testing.assert_array_equal(whole.rows[whole.batches_of(0)], some.rows[some.batches_of(0)])


def test_targets_stand_at_the_examples_unless_said_otherwise():
    training, everyone = Training(batch_size=BATCH, epochs=3), range(len(SIZES))
    plain = plan_steps(ROWS, training, rngs(everyone))
    np.testing.assert_array_equal(plain.targets, plain.rows)
    places = [np.stack([100 * epoch + rows for epoch in range(3)]) for rows in ROWS]
    steps = plan_steps(ROWS, training, rngs(everyone), places)
    np.testing.assert_array_equal(steps.rows, plain.rows)
    for place, k in enumerate(steps.client):
        mine = steps.batches_of(place)
        real = steps.weights[mine] > 0
        epoch, row = np.divmod(steps.targets[mine][real], 100)
        assert set(steps.targets[mine][~real]) <= set(places[k].ravel())  # padding is the client's own
        np.testing.assert_array_equal(epoch, np.repeat(range(3), SIZES[k]))
        np.testing.assert_array_equal(row, steps.rows[mine][real])


def test_clients_that_share_a_draw_have_tables_of_their_own():
    training, (short, long) = Training(batch_size=BATCH), (np.arange(3), np.arange(3, 20))
    own = plan_steps([short, long, long], training, [stream("order", client=k) for k in (0, 1, 1)])
    orders = [stream("order", client=k) for k in (0, 1)]
    shared = plan_steps(
        [short, long], training, orders, same=np.array([0, 1, 1]), begin=np.array([0, 40, 80])
    )
    for part in ("client", "active", "rows", "weights"):
        np.testing.assert_array_equal(getattr(shared, part), getattr(own, part))
    for place, client in enumerate(shared.client):
        mine = shared.batches_of(place)
        np.testing.assert_array_equal(shared.targets[mine], shared.rows[mine] + 40 * client)
