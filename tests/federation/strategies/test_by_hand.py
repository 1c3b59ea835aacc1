"""Each strategy on numbers that can be checked in the head: updates of one weight, from 0."""

import numpy as np
import pytest

from fedsoft.federation import STRATEGIES

SCRIPTED = [name for name in STRATEGIES.names() if not STRATEGIES.parse(name).needs_examples]
"""Those that do not look at what models predict: the one weight here predicts nothing."""


def options(name, **choice):
    return STRATEGIES.parse({"name": name, **choice})


@pytest.mark.parametrize("weights", [[3, 1], [30, 10]])
def test_fedavg_weights_by_examples(weights, play):
    assert play(options("fedavg"), [1.0, 3.0], weights, rounds=2).path == pytest.approx([1.5, 3.0])


@pytest.mark.parametrize(("momentum", "path"), [(0.0, [1.5, 3.0, 4.5]), (0.5, [1.5, 3.75, 6.375])])
def test_fedavgm(momentum, path, play):
    # mean update 1.5; velocities with momentum a half: 1.5, 2.25, 2.625
    played = play(options("fedavgm", momentum=momentum), [1.0, 3.0], [3, 1], rounds=3)
    assert played.path == pytest.approx(path)


def test_fedavgm_steps_with_the_servers_rate(play):
    played = play(options("fedavgm", momentum=0.5, lr=0.1), [1.0, 3.0], [3, 1], rounds=2)
    assert played.path == pytest.approx([0.15, 0.375])


@pytest.mark.parametrize(("updates", "median"), [([0, 1, 10], 1), ([0, 1, 3, 10], 2), ([5], 5)])
def test_fedmedian_ignores_weights_and_extremes(updates, median, play):
    weights = [100] + [1] * (len(updates) - 1)
    assert play(options("fedmedian"), updates, weights).path == [median]


@pytest.mark.parametrize(
    ("beta", "mean"), [(0.0, 18.0), (0.2, 2.0), (0.19, 18.0), (0.4, 1.0)]
)  # of 5: none, one, none and two cut off at each end
def test_fedtrimmedavg_cuts_both_ends(beta, mean, play):
    updates = [1.0, 100.0, 5.0, 0.0, -16.0]
    assert play(options("fedtrimmedavg", beta=beta), updates).path == pytest.approx([mean])


@pytest.mark.parametrize(("malicious", "chosen"), [(0, 2.0), (1, 1.0)])
def test_krum_takes_the_one_nearest_its_neighbours(malicious, chosen, play):
    # n - malicious - 2 neighbours. Three: 1 has 1 + 1 + 81, 2 has 1 + 4 + 64. Two: 1 has 2, 2 has 5.
    updates = [0.0, 1.0, 2.0, 10.0, 10.5]
    assert play(options("krum", malicious=malicious), updates, [1, 1, 1, 50, 50]).path == [chosen]


def test_multikrum_averages_the_nearest_by_examples(play):
    """Three neighbours each: 1 has 1 + 1 + 81, 2 has 1 + 4 + 64, 0 has 1 + 4 + 100; 10 and 10.5 more."""
    updates, weights = [0.0, 1.0, 2.0, 10.0, 10.5], [1, 1, 3, 50, 50]
    one, two, three = (
        play(options("multikrum", malicious=0, keep=keep), updates, weights).path[0] for keep in (1, 2, 3)
    )
    assert (one, two) == pytest.approx((2.0, 7 / 4))
    # 10 has 0.25 + 64 + 81 = 145.25, more than 0's 105
    assert three == pytest.approx(7 / 5)
    assert play(options("krum"), updates, weights).path == [one]


def test_bulyan_averages_around_the_median_of_the_chosen(play):
    """Of seven, one malicious: all but 30 and 40 are chosen, their median is 2, nearest to it are 0, 1, 2."""
    updates = [0.0, 1.0, 2.0, 4.5, 5.0, 30.0, 40.0]
    assert play(options("bulyan", malicious=1), updates, [9, 1, 1, 1, 1, 1, 1]).path == pytest.approx([1.0])
    assert play(options("bulyan"), [1.0, 2.0, 6.0], [5, 1, 1]).path == pytest.approx([3.0])


def test_fedadagrads_first_steps(play):
    """The mean update over the root of the sum of its squares: shorter each round."""
    eta, tau = 0.1, 0.01
    played = play(options("fedadagrad", eta=eta, tau=tau), [1.0, 3.0], [3, 1], rounds=3)
    steps = [eta * 1.5 / (1.5 * np.sqrt(t) + tau) for t in (1, 2, 3)]
    assert played.path == pytest.approx(np.cumsum(steps), rel=1e-6)


@pytest.mark.parametrize(("q", "lr"), [(0.0, 0.1), (1.0, 0.5), (2.0, 0.1)])
def test_qfedavg_weights_by_the_loss(q, lr, play):
    """Clients tell their update for a loss. With equal weights, whatever their examples."""
    updates = [1.0, 3.0]
    above = sum(loss**q * step / lr for loss, step in zip(updates, updates, strict=True))
    below = sum(
        q * loss ** (q - 1) * (step / lr) ** 2 + loss**q / lr
        for loss, step in zip(updates, updates, strict=True)
    )
    assert play(options("qfedavg", q=q, lr=lr), updates, [9, 1]).path == pytest.approx([above / below])
    if q == 0:
        assert above / below == pytest.approx(2)


def test_qfedavg_takes_the_clients_own_rate(at):
    assert options("qfedavg").build(at).client_learning_rate == at.training.lr == 0.1


def test_fedadams_first_steps(play):
    """Flower corrects the bias of round r as if it were step r + 1."""
    eta, b1, b2, tau = 0.1, 0.8, 0.9, 0.01
    played = play(options("fedadam", eta=eta, beta_1=b1, beta_2=b2, tau=tau), [1.0, 3.0], [3, 1], rounds=2)
    m, v, w, path = 0.0, 0.0, 0.0, []
    for t in (2, 3):
        m, v = b1 * m + (1 - b1) * 1.5, b2 * v + (1 - b2) * 1.5**2
        w += eta * np.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + tau)
        path.append(w)
    assert played.path == pytest.approx(path, rel=1e-6)


def test_fedyogis_first_steps(play):
    eta, b1, b2, tau = 0.1, 0.8, 0.9, 0.01
    played = play(options("fedyogi", eta=eta, beta_1=b1, beta_2=b2, tau=tau), [1.0, 3.0], [3, 1], rounds=2)
    # v grows by (1 - b2)·1.5² while it is below 1.5², whatever its size; Adam's would grow by less
    m1, v1 = 0.2 * 1.5, 0.1 * 2.25
    m2, v2 = 0.8 * m1 + 0.2 * 1.5, 2 * v1
    first = eta * m1 / (np.sqrt(v1) + tau)
    assert played.path == pytest.approx([first, first + eta * m2 / (np.sqrt(v2) + tau)], rel=1e-6)


def test_fedprox_tells_the_clients_and_averages(play):
    played = play(options("fedprox", mu=0.3), [1.0, 3.0], [3, 1], rounds=2)
    assert played.path == pytest.approx([1.5, 3.0])
    assert [config["proximal-mu"] for config in played.configs] == [0.3, 0.3]


@pytest.mark.parametrize("name", SCRIPTED)
def test_clients_are_told_the_round(name, play):
    assert [c["server-round"] for c in play(options(name), [1.0, 2.0, 4.0], rounds=3).configs] == [1, 2, 3]


@pytest.mark.parametrize("name", SCRIPTED)
def test_the_model_stays_float32(name, play):
    assert play(options(name), [1.0, 2.0, 4.0], rounds=2).last.arrays["w"].dtype == np.float32


@pytest.mark.parametrize("name", [name for name in SCRIPTED if name != "bulyan"])
def test_a_cohort_of_one_moves_towards_its_model(name, play):
    assert 0 < play(options(name), [2.0]).path[0] <= 2


@pytest.mark.parametrize("name", [name for name in SCRIPTED if name != "krum"])
def test_the_loss_is_the_mean_over_examples(name, play):
    assert play(options(name), [1.0, 3.0, 2.0], [3, 1, 1]).last.train_loss == pytest.approx(8 / 5)
