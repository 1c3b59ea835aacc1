"""DP-FedAvg: one reply that holds a clipped and noisy mean, held to Flower's own wrappers."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp.mod import fixedclipping_mod
from flwr.serverapp import strategy as flower
from flwr.supercore import differential_privacy

from fedsoft.errors import EngineError
from fedsoft.federation import STRATEGIES, asks
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.checkpoint import restore_strategy, strategy_state
from fedsoft.federation.codes import UNCLIPPED
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.protected import clipped_update
from fedsoft.federation.records import to_arrays, to_record
from fedsoft.federation.results import RoundResult
from fedsoft.federation.servers.flat import flatten
from fedsoft.federation.servers.private_mean import PrivateMean
from fedsoft.federation.together import train_together
from fedsoft.privacy import DpFedAvg
from fedsoft.privacy.models import clip, norms
from fedsoft.scenarios import Mishaps
from fedsoft.streams import stream

OF_MEANS = [name for name in STRATEGIES.names() if STRATEGIES.get(name).of_means]


def private(task, strategy="fedavg", expected=5.0, seed=0, noise=1.0, **options):
    inner = STRATEGIES.parse(strategy).build(AtServer.of(task))
    mechanism = DpFedAvg(noise=noise, **({"clip": 0.1} | options))
    return PrivateMean(inner, mechanism, noise, expected, seed)


def replies_of(rows, start):
    found = []
    for k, row in enumerate(rows):
        content = {
            "arrays": to_record({"w": start["w"] + row.astype(np.float32)}),
            "metrics": MetricRecord({"num-examples": 10 * k + 1, "partition-id": k, "train-loss": 1.0}),
        }
        found.append(Message(RecordDict(content), dst_node_id=k + 1, message_type="train"))
    return found


@pytest.fixture(autouse=True)
def _identity(make_task):
    InProcessGrid(make_task())  # gives Flower the identity that messages need


ROWS = stream("rows").standard_normal((4, 30)) * np.array([0.01, 0.1, 1, 10])[:, None]
START = {"w": stream("start").standard_normal(30).astype(np.float32)}


def test_it_is_those_strategies_that_see_means():
    assert OF_MEANS == ["fedadagrad", "fedadam", "fedavg", "fedavgm", "fedprox", "fedyogi"]


def test_the_total_is_of_clipped_rows_and_noise(make_task):
    server = private(make_task(), expected=5.0, clip=0.5, noise=2.0)
    record = to_record(START)
    total = server.released(3, record, replies_of(ROWS, START))
    noise = stream("noise on the sum", seed=0, round=3).standard_normal(30)
    moved = np.stack([flatten(r.content["arrays"]) - START["w"] for r in replies_of(ROWS, START)])
    np.testing.assert_allclose(total.updates, clip(moved, 0.5).sum(0) + noise, rtol=1e-5, atol=1e-6)
    assert (total.weight, total.clients) == (5.0, 4)
    reply = total.as_reply(record)
    np.testing.assert_allclose(
        to_arrays(reply.content["arrays"])["w"], START["w"] + total.updates / 5, rtol=1e-6
    )
    assert reply.content["metrics"]["train-loss"] == 1.0


def test_noise_has_the_promised_size(make_task):
    server, record = private(make_task(), clip=0.5, noise=2.0), to_record({"w": np.zeros(40_000, np.float32)})
    drawn = server.released(1, record, []).updates
    assert drawn.std() == pytest.approx(2.0 * 0.5, rel=0.02)
    assert (drawn != server.released(2, record, []).updates).all()


def test_one_client_moves_the_sum_by_the_bound_at_most(make_task):
    server, record = private(make_task(), clip=0.3), to_record(START)
    all_replies = replies_of(ROWS * 100, START)
    whole = server.released(1, record, all_replies).updates
    for left_out in range(4):
        rest = server.released(1, record, [r for k, r in enumerate(all_replies) if k != left_out]).updates
        assert np.linalg.norm(whole - rest) <= 0.3 * (1 + 1e-9)


def flowers(wrapper, **options):
    inner = flower.FedAvg(fraction_evaluate=0.0)
    return getattr(flower, f"DifferentialPrivacy{wrapper}")(inner, 1.0, num_sampled_clients=4, **options)


def test_fixed_clipping_is_flowers_up_to_their_weights(make_task, monkeypatch):
    """With equal weights and the same noise on the mean, the same aggregate."""
    drawn = stream("injected").standard_normal(30)
    monkeypatch.setattr(
        differential_privacy.np.random, "normal", lambda mean, std, shape: mean + std * drawn.reshape(shape)
    )
    replies = replies_of(ROWS, START)
    for reply in replies:
        reply.content["metrics"]["num-examples"] = 1
    theirs = flowers("ServerSideFixedClipping", clipping_norm=0.5)
    theirs.current_arrays = to_record(START)
    wanted, _ = theirs.aggregate_train(1, replies)

    server = private(make_task(), expected=4.0, clip=0.5)
    names = SimpleNamespace(standard_normal=lambda size: drawn)
    monkeypatch.setattr("fedsoft.federation.servers.private_mean.stream", lambda *a, **k: names)
    server._start = to_record(START)
    found, _ = server.aggregate_train(1, replies_of(ROWS, START))
    np.testing.assert_allclose(to_arrays(found)["w"], wanted["w"].numpy(), atol=3e-7)


def _given(answer, message, context):
    return answer


def test_a_client_clips_as_flowers_mod_does():
    start = {"a": START["w"][:20].reshape(4, 5), "b": START["w"][20:]}
    for row in ROWS:
        trained = {"a": start["a"] + row[:20].reshape(4, 5).astype(np.float32), "b": start["b"] + row[20:]}
        trained = {name: array.astype(np.float32) for name, array in trained.items()}
        config = ConfigRecord({"clipping_norm": 0.5})
        ask = Message(RecordDict({"arrays": to_record(start), "config": config}), 1, "train")
        answer = Message(RecordDict({"arrays": to_record(trained)}), 1, "train")
        theirs = fixedclipping_mod(ask, None, partial(_given, answer)).content["arrays"]
        ours = clipped_update(start, trained, 0.5)
        for name, update in ours.items():
            assert update.dtype == np.float32
            np.testing.assert_allclose(start[name] + update, theirs[name].numpy(), atol=3e-7)
        assert norms(np.concatenate([part.ravel() for part in ours.values()])) <= 0.5 * (1 + 1e-6)


def test_an_update_of_nothing_is_no_error():
    """Flower divides by its norm."""
    for array in clipped_update(START, START, 0.5).values():
        np.testing.assert_array_equal(array, 0)
    with pytest.raises(ZeroDivisionError):
        differential_privacy.clip_inputs_inplace([np.zeros(3)], 0.5)


def test_the_adaptive_bound_is_flowers_with_who_is_within_in_the_place_of_who_is_clipped(make_task):
    """Andrew et al. count updates within the bound. Flower counts those that are clipped, in the same
    formula, so that its bound falls where it should rise."""
    options = {"clipping": "adaptive", "count_noise": 1.0, "quantile": 0.5, "clip_lr": 0.2}
    server = private(make_task(), expected=4.0, clip=0.5, noise=1.0, **options)
    assert server.noise == pytest.approx(differential_privacy.compute_adaptive_noise_params(1.0, 4, 1.0)[1])
    server.released(1, to_record(START), replies_of(ROWS, START))
    drawn = float(stream("noise on the count", seed=0, round=1).normal(0, 1.0))
    theirs = flowers("ServerSideAdaptiveClipping", initial_clipping_norm=0.5, clipped_count_stddev=1.0)
    within = (norms(ROWS) <= 0.5).sum()
    assert within == 1
    theirs._geometric_update((within + drawn) / 4)
    assert server.clip_norm == pytest.approx(theirs.clipping_norm)

    quiet = private(make_task(), expected=4.0, clip=1e-4, noise=0.1, clipping="adaptive", count_noise=0.06)
    for number in range(1, 80):
        quiet.released(number, to_record(START), replies_of(ROWS, START))
    assert quiet.clip_norm > 0.05  # every update was longer than the first bound, so it rose
    stuck = flowers("ServerSideAdaptiveClipping", initial_clipping_norm=1e-4, clipped_count_stddev=1.0)
    stuck._geometric_update(1.0)
    assert stuck.clipping_norm < 1e-4


@pytest.mark.parametrize("strategy", OF_MEANS)
def test_without_noise_or_clipping_it_is_the_strategy_on_equal_clients(strategy, make_task, federate):
    task = make_task(sizes=(8, 8, 8, 8))
    plain = federate(strategy, InProcessGrid(task), 3)
    quiet = federate(private(task, strategy, expected=4.0, noise=1e-13, clip=1e3), InProcessGrid(task), 3)
    for before, after in zip(plain, quiet, strict=True):
        for name, array in before.arrays.items():
            np.testing.assert_allclose(after.arrays[name], array, atol=2e-5, rtol=1e-3)
        assert after.train_loss == pytest.approx(before.train_loss, rel=1e-4)


@pytest.mark.parametrize("side", ["server", "client"])
@pytest.mark.parametrize("strategy", ["fedavg", "fedadam", "fedprox"])
def test_sides_agree(side, strategy, make_task, federate):
    task = make_task()
    one, whole = (
        federate(private(task, strategy, side=side), InProcessGrid(task, stack), 3)[-1].arrays
        for stack in (1, "all")
    )
    other = federate(private(task, strategy), InProcessGrid(task, 1), 3)[-1].arrays
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-5)
        np.testing.assert_allclose(whole[name], one[name], atol=1e-4)


def test_examples_do_not_weigh(make_task):
    counts = [1, 1000, 1, 1]
    rows = [flatten(r.content["arrays"]) for r in replies_of(ROWS, START)]
    found = []
    for weights in (counts, counts[::-1]):
        replies = replies_of(ROWS, START)
        for reply, weight in zip(replies, weights, strict=True):
            reply.content["metrics"]["num-examples"] = weight
        server = private(make_task(), expected=4.0)
        server._start = to_record(START)
        found.append(to_arrays(server.aggregate_train(1, replies)[0])["w"])
    assert len(rows) == 4
    np.testing.assert_array_equal(*found)


def poisson(task, participation):
    return replace(task, participation=participation, sampling="poisson")


def test_poisson_cohorts_are_coins(make_task):
    task = poisson(make_task(sizes=(1,) * 30 + (0,) * 5), 0.2)
    cohorts = [task.cohort(number) for number in range(1, 501)]
    sizes = np.array(list(map(len, cohorts)))
    assert sizes.mean() == pytest.approx(6, abs=4.5 * (4.8 / 500) ** 0.5)
    assert sizes.var() == pytest.approx(4.8, rel=0.3)
    assert max(max(cohort, default=0) for cohort in cohorts) < 30
    assert all(cohort == sorted(set(cohort)) for cohort in cohorts)
    assert task.cohort(7) == cohorts[6]


@pytest.mark.parametrize("strategy", OF_MEANS)
def test_a_cohort_of_nobody_gets_its_noise(strategy, make_task, federate):
    """So that nobody can see whether somebody was there; without privacy such a round changes nothing."""
    task = poisson(make_task(), 1e-9)
    results = federate(private(task, strategy, expected=2.0), InProcessGrid(task), 2)
    before = task.initial()
    for result in results:
        assert result.cohort == 0
        assert np.isnan(result.train_loss)
        assert all((array != before[name]).any() for name, array in result.arrays.items())
        before = result.arrays
    for result in federate(strategy, InProcessGrid(task), 2):
        np.testing.assert_array_equal(result.arrays["layer0.weight"], task.initial()["layer0.weight"])


def test_lost_clients_lower_the_sum_and_not_the_noise(make_task, federate):
    task = make_task(sizes=(8, 8, 8, 8))
    lossy = replace(task, mishaps=Mishaps(failing=0.5), enough=0.0)
    there = federate(private(task, expected=4.0, noise=1e-9, clip=0.01), InProcessGrid(task), 1)[0]
    result = federate(private(task, expected=4.0, noise=1e-9, clip=0.01), InProcessGrid(lossy), 1)[0]
    assert 0 < result.cohort < 4

    def length(result):
        moved = [(result.arrays[name] - array).ravel() for name, array in task.initial().items()]
        return np.linalg.norm(np.concatenate(moved))

    assert length(result) < 0.01 * result.cohort / 4 * (1 + 1e-3)
    assert length(there) > length(result)


def test_it_resumes_from_a_checkpoint(make_task, federate):
    task = make_task()
    options = {"strategy": "fedadam", "clipping": "adaptive", "side": "client"}
    through = federate(private(task, **options), InProcessGrid(task), 4)[-1]
    first = private(task, **options)
    half = federate(first, InProcessGrid(task), 2)[-1]
    arrays, kinds = strategy_state(first)
    second = private(task, **options)
    restore_strategy(second, arrays, kinds)
    assert second.clip_norm == first.clip_norm != 0.1
    ended = federate(second, InProcessGrid(task), 4, start=half)[-1]
    for name, array in through.arrays.items():
        np.testing.assert_array_equal(ended.arrays[name], array)


def asked_to(task, **config):
    grid = InProcessGrid(task)
    told = ConfigRecord({"server-round": 1, **config})
    content = {"arrays": to_record(task.initial()), "config": told}
    message = Message(RecordDict(content), dst_node_id=4, message_type="train")
    return train_together(grid.asked([3], [message]), "all")[0]


def test_an_update_that_was_not_clipped_never_leaves(make_task, monkeypatch):
    task = make_task()
    good = asked_to(task, **{asks.UPDATE_CLIP: 0.01})
    assert norms(flatten(good.content["arrays"])) == pytest.approx(0.01, rel=1e-5)
    broken = "fedsoft.federation.protected.clip"
    monkeypatch.setattr(broken, lambda row, bound: row)
    bad = asked_to(task, **{asks.UPDATE_CLIP: 0.01})
    assert bad.has_error()
    assert bad.error.code == UNCLIPPED
    assert "and was to be clipped to 0.01" in bad.error.reason
    monkeypatch.setattr(broken, lambda row, bound: clip(row, bound).astype(np.float64))
    assert (
        "is float64, and privacy is accounted for float32"
        in asked_to(task, **{asks.UPDATE_CLIP: 0.01}).error.reason
    )
    monkeypatch.setattr(broken, lambda row, bound: row * np.float32(np.nan))
    assert "is not finite" in asked_to(task, **{asks.UPDATE_CLIP: 0.01}).error.reason


def test_a_run_with_such_a_client_ends_and_names_it(make_task, federate, monkeypatch):
    task = make_task(sizes=(8, 8))
    monkeypatch.setattr("fedsoft.federation.protected.clip", lambda row, bound: 2 * row)
    with pytest.raises(EngineError, match="client 0 failed in round 1: its update has norm"):
        federate(private(task, side="client", expected=2.0), InProcessGrid(task), 1)


@pytest.mark.parametrize(
    "ask", [{asks.REPORT: "disagreement"}, {asks.ANCHOR: 0.2}, {asks.CALIBRATION: "dca"}]
)
def test_a_client_with_private_steps_does_nothing_that_they_do_not_cover(ask, make_task):
    private = {asks.EXAMPLE_CLIP: 1.0, asks.EXAMPLE_NOISE: 1.0, asks.EXAMPLE_SAMPLING: "poisson"}
    assert asked_to(make_task(), **private).has_content()
    more = {asks.CALIBRATION_BETA: 1.0, asks.SIMILARITY: "cosine"} if asks.CALIBRATION in ask else {}
    refused = asked_to(make_task(), **private, **ask, **more)
    assert "dp_sgd does not go with" in refused.error.reason


def test_private_steps_draw_noise_by_seed_client_and_round(make_task, federate):
    config = {asks.EXAMPLE_CLIP: 0.5, asks.EXAMPLE_NOISE: 1.0, asks.EXAMPLE_SAMPLING: "poisson"}
    task = make_task()
    start = RoundResult(0, task.initial(), float("nan"), 0)
    one, two, whole = (
        federate("fedavg", InProcessGrid(task, stack), 3, start, config)[-1].arrays for stack in (1, 2, "all")
    )
    again = federate("fedavg", InProcessGrid(task, 1), 3, start, config)[-1].arrays
    other = federate("fedavg", InProcessGrid(make_task(seed=1), 1), 3, start, config)[-1].arrays
    for name in one:
        np.testing.assert_array_equal(one[name], again[name])
        np.testing.assert_allclose(two[name], one[name], atol=1e-4)
        np.testing.assert_allclose(whole[name], one[name], atol=1e-4)
        assert (other[name] != one[name]).all()


def test_a_round_in_which_all_are_lost_still_gets_its_noise(make_task, federate):
    """A model without noise would tell that somebody was in the cohort."""
    task = replace(make_task(), mishaps=Mishaps(failing=1.0))
    (ended,) = federate(private(task), InProcessGrid(task), 1)
    start = task.initial()
    assert ended.cohort == 0
    assert all((ended.arrays[name] != start[name]).any() for name in start)
    (quiet,) = federate("fedavg", InProcessGrid(task), 1)
    assert all((quiet.arrays[name] == start[name]).all() for name in start)


def test_an_adaptive_bound_is_the_same_whoever_clips(make_task, federate):
    """A clipped update is as long as the bound, up to rounding, which says nothing of how long it was."""
    ended = []
    for side in ("server", "client"):
        task = make_task()
        strategy = private(
            task, noise=1e-9, clip=0.05, side=side, clipping="adaptive", count_noise=1e-6, quantile=0.9
        )
        federate(strategy, InProcessGrid(task), 6)
        ended.append(strategy.clip_norm)
    assert ended[0] == pytest.approx(ended[1], rel=1e-6)
    assert ended[0] > 0.06
