"""A round under masks: the sum is right, whoever drops out, and nothing else is to be seen."""

from dataclasses import replace

import numpy as np
import pytest
from flwr.app import ArrayRecord

from fedsoft.federation import STRATEGIES
from fedsoft.federation.asks import SECURE
from fedsoft.federation.at_server import AtServer
from fedsoft.federation.exchange import RoundError
from fedsoft.federation.grids import InProcessGrid
from fedsoft.federation.records import to_arrays
from fedsoft.federation.results import RoundResult
from fedsoft.federation.rounds import play_round
from fedsoft.federation.secure import client as at_client
from fedsoft.federation.secure import server as at_server
from fedsoft.federation.secure.keys import KeyPair, Secrets, commitment
from fedsoft.federation.secure.shamir import combine
from fedsoft.federation.secure.words import to_words
from fedsoft.privacy import SecureSum
from fedsoft.scenarios import Fate, Mishaps

OPTIONS = SecureSum()
SIZES = [3, 1, 8, 21, 12, 5, 9, 2, 30, 7, 4, 6, 11, 13, 10, 3, 8, 15, 2, 6]
LOST = {2: Fate.DROPPED, 7: Fate.DROPPED, 11: Fate.LATE, 19: Fate.FAILING}
WELL = [k for k in range(20) if k not in LOST]


class Heard(list):
    """All replies that a server got, by stage: each a partition and its message."""

    def of(self, stage):
        return [(p, reply) for kind, p, reply in self if kind == stage]


def drive(task, strategy="fedavg", rounds=1, stack="all", tamper=lambda kind, messages: None, attempt=0):
    """Plays rounds by themselves; ``tamper`` is shown what is sent, and the replies, of each kind.

    Returns:
        the last result, and all that the server received.
    """
    built = STRATEGIES.parse(strategy).build(AtServer.of(task))
    grid, heard = InProcessGrid(task, stack, messages=True), Heard()
    state = RoundResult(0, task.initial(), float("nan"), 0)
    while state.number < rounds:
        at_work, replies = play_round(built, grid, state, attempt=attempt), None
        try:
            while True:
                exchange = at_work.send(replies)
                kind = exchange.messages[0].metadata.message_type.removeprefix("query.")
                tamper(f"to {kind}", exchange.messages)
                replies = exchange.alone()
                tamper(f"from {kind}", replies)
                heard += [(kind, p, reply) for p, reply in zip(exchange.partitions, replies, strict=True)]
        except StopIteration as end:
            state = end.value
    return state, heard


@pytest.fixture
def task(make_task):
    """Twenty clients that sum under masks."""
    return replace(make_task(sizes=SIZES), secure_sum=OPTIONS, enough=0.0)


@pytest.fixture
def losing(task):
    """The same, of whom four are lost in the first round after they exchanged keys."""
    return with_fates(task, LOST)


def with_fates(task, lost, attempt=0):
    task = replace(task, mishaps=Mishaps(dropped=0.5))
    task._fates[(1, attempt)] = np.array([lost.get(k, Fate.WELL) for k in range(20)])
    return task


def plain(task, some):
    """The same run without masks, of some of its clients."""
    plain = replace(task, secure_sum=None, mishaps=Mishaps())
    plain.__dict__["occupied"] = np.array(some)
    return plain


def tolerance(some):
    """By how much a mean may be off: half a step of each, over the sum of weights, and single precision."""
    weights = np.array(SIZES)[some] / max(SIZES)
    return len(some) * OPTIONS.step / 2 / weights.sum() + 1e-7


@pytest.mark.parametrize("strategy", ["fedavg", "fedavgm", "fedprox"])
def test_the_sum_is_the_plain_mean_to_the_step(strategy, task):
    (summed, _), (meant, _) = drive(task, strategy), drive(plain(task, range(20)), strategy)
    moved = max(np.abs(a - task.initial()[n]).max() for n, a in meant.arrays.items())
    assert moved > 1000 * tolerance(range(20))
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(range(20)))
    assert summed.train_loss == pytest.approx(meant.train_loss, abs=64 / 8 * tolerance(range(20)))
    assert summed.cohort == 20


def test_four_of_twenty_drop_out_after_the_keys(losing):
    (summed, heard), (meant, _) = drive(losing), drive(plain(losing, WELL))
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(WELL))
    assert [p for p, _ in heard.of("secure_keys")] == list(range(20))
    assert [p for p, _ in heard.of("secure_shares")] == list(range(20))
    assert [p for p, _ in heard.of("train")] == [k for k in range(20) if k not in (2, 7)]
    assert [p for p, _ in heard.of("secure_unmask")] == WELL
    assert (summed.cohort, summed.dropped, summed.late) == (16, 2, 1)
    assert [(one.client, one.chance) for one in summed.failures] == [(19, True)]


def everything(heard):
    """All bytes that the server received, one message after the other."""
    parts = []
    for _, _, reply in heard:
        for record in reply.content.values() if reply.has_content() else ():
            if isinstance(record, ArrayRecord):
                parts += [array.numpy().tobytes() for array in record.values()]
                continue
            for value in record.values():
                listed = value if isinstance(value, list) else [value]
                parts += [one if isinstance(one, bytes) else repr(one).encode() for one in listed]
                parts += [np.array(listed).tobytes() for one in listed if isinstance(one, int | float)]
    return b"\0\0".join(parts)


def told_plainly(task):
    """What each client would send without masks: bytes that must be nowhere, by what they are."""
    _, heard = drive(plain(task, range(20)))
    start = task.initial()
    for partition, reply in heard.of("train"):
        trained, metrics = to_arrays(reply.content["arrays"]), reply.content["metrics"]
        update = np.concatenate([(a.astype(np.float64) - start[n]).ravel() for n, a in trained.items()])
        loss, examples = metrics["train-loss"], metrics["num-examples"]
        words = to_words(update, examples, {"train-loss": loss}, max(SIZES), OPTIONS)
        for first in range(len(words) - 7):
            yield "words", partition, words[first : first + 8].tobytes()
        for row in (
            update,
            update * examples / max(SIZES),
            np.concatenate([a.ravel() for a in trained.values()]),
        ):
            for kind in (np.float32, np.float64):
                numbers = row.astype(kind)
                for first in range(0, len(numbers) - 1):
                    yield "floats", partition, numbers[first : first + 2].tobytes()
        yield "loss", partition, np.float32(loss).tobytes()
        yield "loss", partition, np.float64(loss).tobytes()
        yield "loss", partition, repr(loss).encode()
        yield "loss", partition, words[-1:].tobytes()
        yield "examples", partition, words[-2:].tobytes()  # with the loss: one small number is everywhere
        yield "examples", partition, np.int64(examples).tobytes()


def found_in(received, task):
    return {(what, partition) for what, partition, told in told_plainly(task) if told in received}


def test_nothing_of_a_single_client_is_in_what_the_server_receives(losing):
    _, heard = drive(losing)
    assert found_in(everything(heard), losing) == set()


def test_the_search_finds_what_is_not_masked(losing, monkeypatch):
    for name in ("own_mask", "pair_mask"):
        monkeypatch.setattr(at_client, name, lambda key, *rest: np.zeros(rest[-1], np.uint32))
        monkeypatch.setattr(at_server, name, lambda key, *rest: np.zeros(rest[-1], np.uint32))
    _, heard = drive(losing)
    sent = {p for p, reply in heard.of("train") if reply.has_content()}
    found = found_in(everything(heard), losing)
    assert {partition for what, partition in found if what == "words"} == sent
    assert {partition for what, partition in found if what == "examples"} == sent


@pytest.mark.parametrize("left_out", ["own_mask", "pair_mask"])
def test_one_mask_alone_hides_the_words(left_out, task, monkeypatch):
    """Each of the two by itself: others may know one of them."""
    monkeypatch.setattr(at_client, left_out, lambda key, *rest: np.zeros(rest[-1], np.uint32))
    monkeypatch.setattr(at_server, left_out, lambda key, *rest: np.zeros(rest[-1], np.uint32))
    (summed, heard), (meant, _) = drive(task), drive(plain(task, range(20)))
    assert found_in(everything(heard), task) == set()
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(range(20)))


def test_replies_hold_keys_sealed_shares_words_and_shares_alone(losing):
    _, heard = drive(losing)
    shapes = {"secure_keys": {"masking", "sealing", "commitment"}, "secure_shares": {"sealed"}}
    shapes |= {"secure_unmask": {"shares"}, "train": {"metrics"}}
    size = sum(array.size for array in losing.initial().values())
    for kind, _, reply in heard:
        if not reply.has_content():
            continue
        assert set(reply.content[SECURE]) == shapes[kind]
        assert set(reply.content) == ({SECURE, "arrays"} if kind == "train" else {SECURE})
        if kind == "train":
            (words,) = [array.numpy() for array in reply.content["arrays"].values()]
            assert (words.dtype, words.shape) == (np.uint32, (size + 2,))
            assert reply.content[SECURE]["metrics"] == ["train-loss"]


def revealed(heard, task):
    """By client, the secret that the shares which the server received give back."""
    replies = heard.of("secure_unmask")[: OPTIONS.needed(20)]
    for place in range(20):
        yield place, combine({p + 1: reply.content[SECURE]["shares"][place] for p, reply in replies})


def test_one_secret_of_each_client_is_revealed_and_not_the_other(losing):
    """Of the late one its masking key: its words, which arrive in the end, stay under its own mask."""
    _, heard = drive(losing)
    for client, secret in revealed(heard, losing):
        own = Secrets.of(losing.run, losing.seed, client, 1)
        if client in LOST:
            assert KeyPair(secret).public == own.told.masking
            assert secret != own.seed
        else:
            assert commitment(secret) == own.told.commitment
            assert KeyPair(secret).public != own.told.masking


def test_so_many_as_the_threshold_suffice_and_one_less_does_not(task):
    lost = dict.fromkeys(range(6), Fate.DROPPED)
    state, _ = drive(with_fates(task, lost))
    assert state.cohort == 14
    lost[6] = Fate.LATE
    with pytest.raises(
        RoundError, match="round 1: 13 of 20 clients are left to be summed, and 14 are"
    ) as caught:
        drive(with_fates(task, lost))
    assert caught.value.untouched
    assert "privacy.secure_sum.threshold" in str(caught.value)


def test_nothing_is_revealed_where_too_few_are_left(task):
    kinds = []
    lost = dict.fromkeys(range(7), Fate.DROPPED)
    with pytest.raises(RoundError):
        drive(with_fates(task, lost), tamper=lambda kind, messages: kinds.append(kind))
    assert "to secure_unmask" not in kinds


def test_a_client_refuses_to_open_a_sum_of_few(task):
    def few(kind, messages):
        if kind == "to secure_unmask":
            for message in messages:
                message.content[SECURE]["there"] = [3]

    with pytest.raises(
        RoundError, match="client 0 failed, as a sum of 1 clients is asked for, and 14 are needed"
    ):
        drive(task, tamper=few)


def test_a_client_refuses_to_hide_among_few(task):
    def few(kind, messages):
        if kind == "to train":
            for k, message in enumerate(messages):
                record = message.content[SECURE]
                record["clients"], record["masking"] = [k], record["masking"][32 * k : 32 * k + 32]

    with pytest.raises(
        RoundError, match="client 0 failed, as a client is to hide among 1, and 14 are needed"
    ):
        drive(task, tamper=few)


def test_a_client_refuses_to_train_without_masks(task):
    def bare(kind, messages):
        if kind == "to train":
            for message in messages:
                del message.content[SECURE]

    with pytest.raises(RoundError, match="client 0 failed, as an update without masks is asked for"):
        drive(task, tamper=bare)


def test_what_is_outside_the_range_is_lost_and_named(task):
    """The client with the largest entry sends none, and the others' sum is right."""
    _, heard = drive(plain(task, range(20)))
    start, largest = task.initial(), {}
    for p, reply in heard.of("train"):
        trained = to_arrays(reply.content["arrays"])
        largest[p] = max(float(np.abs(trained[n] - start[n]).max()) for n in start)
    *_, second, first = sorted(largest, key=largest.__getitem__)
    options = SecureSum(range=(largest[first] + largest[second]) / 2)
    others = [k for k in range(20) if k != first]
    (summed, _), (meant, _) = drive(replace(task, secure_sum=options)), drive(plain(task, others))
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(others))
    (failure,) = summed.failures
    assert (failure.client, failure.chance) == (first, False)
    assert "and is not cut off; raise privacy.secure_sum.range" in failure.cause
    with pytest.raises(
        RoundError, match=r"0 of 20 .* client 0 failed, as an entry of the update is outside ±1e-06"
    ):
        drive(replace(task, secure_sum=SecureSum(range=1e-6)))


def flipped(data, place=0):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize("place", [0, -17])
def test_a_sealed_share_that_was_changed_ends_the_round(place, task):
    def tamper(kind, messages):
        if kind == "to secure_unmask":
            record = messages[4].content[SECURE]
            sealed = list(record["sealed"])
            sealed[9] = flipped(sealed[9], len(sealed[9]) + place if place < 0 else place)
            record["sealed"] = sealed

    with pytest.raises(RoundError, match="shares that client 9 sealed for client 4 were changed") as caught:
        drive(task, tamper=tamper)
    assert (caught.value.client, caught.value.untouched) == (4, True)


@pytest.mark.parametrize("victim", [3, 7])  # one in the sum, one that was lost
def test_a_revealed_share_that_was_changed_ends_the_round(victim, losing):
    def tamper(kind, messages):
        if kind == "from secure_unmask":
            record = messages[1].content[SECURE]
            shares = list(record["shares"])
            shares[victim] = flipped(shares[victim])
            record["shares"] = shares

    with pytest.raises(RoundError, match=f"client {victim}'s secret do not give it back"):
        drive(losing, tamper=tamper)


@pytest.mark.parametrize(("stage", "kind"), [("secure_shares", "sealing"), ("train", "masking")])
def test_keys_that_were_changed_end_the_round(stage, kind, task):
    def tamper(name, messages):
        if name == f"to {stage}":
            record = messages[5].content[SECURE]
            record[kind] = flipped(record[kind], 32 * 5)

    with pytest.raises(RoundError, match="was told of keys that are not those that clients told"):
        drive(task, tamper=tamper)


def test_words_differ_from_round_to_round_and_from_attempt_to_attempt(task):
    """The same update under other masks: what stands still in training must not be seen to stand still."""
    still = replace(task, training=task.training.model_copy(update={"lr": 1e-30}))
    _, heard = drive(still, rounds=2)
    _, again = drive(still, attempt=1)
    words = [reply.content["arrays"][SECURE].numpy() for _, reply in [*heard.of("train"), *again.of("train")]]
    together = np.concatenate(words)
    assert len(words) == 60
    assert len(np.unique(together)) > len(together) - 10  # chance alone makes about one pair alike


def test_other_fates_in_another_attempt(make_task):
    task = replace(make_task(sizes=SIZES), mishaps=Mishaps(dropped=0.5))
    assert (task.fates(1, 1) != task.fates(1)).any()
    np.testing.assert_array_equal(task.fates(1, 0), task.fates(1))


def test_a_cohort_of_none_leaves_the_model_and_one_of_two_is_refused(task):
    nobody = replace(task)
    nobody.__dict__["occupied"] = np.array([], dtype=int)
    state, heard = drive(nobody)
    assert (state.cohort, state.sent, len(heard)) == (0, 0, 0)
    nobody.__dict__["occupied"] = np.array([4, 9])
    with pytest.raises(RoundError, match="round 1: a sum over 2 clients hides nobody"):
        drive(nobody)


def test_a_client_that_tells_no_keys_is_left_out(task, monkeypatch):
    usual = at_client.STAGES["secure_keys"]

    def keys(one):
        if one.partition == 5:
            raise OSError("no entropy")
        return usual(one)

    monkeypatch.setitem(at_client.STAGES, "secure_keys", keys)
    others = [k for k in range(20) if k != 5]
    (summed, _), (meant, _) = drive(task), drive(plain(task, others))
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(others))
    assert [(one.client, one.cause) for one in summed.failures] == [(5, "OSError: no entropy")]


def test_a_client_that_does_not_unmask_is_in_the_sum(task, monkeypatch):
    usual = at_client.STAGES["secure_unmask"]

    def unmask(one):
        if one.partition < 6:
            raise OSError("gone")
        return usual(one)

    monkeypatch.setitem(at_client.STAGES, "secure_unmask", unmask)
    (summed, _), (meant, _) = drive(task), drive(plain(task, range(20)))
    assert (summed.cohort, summed.failures) == (20, ())
    for name, array in meant.arrays.items():
        np.testing.assert_allclose(summed.arrays[name], array, rtol=0, atol=tolerance(range(20)))


def test_bytes_count_all_stages(losing):
    """Models to 18, words from 17 that answered; keys, lists of clients, sealed shares both ways, shares."""
    state, _ = drive(losing)
    model = sum(array.nbytes for array in losing.initial().values())
    sealed = 2 * 33 + 16
    keys = 20 * 3 * 32 + 20 * (20 * 32 + 20 * 8) + 20 * 20 * sealed
    trained = 18 * (model + 20 * 32 + 20 * 8) + 17 * (model + 2 * 4 + 8)
    opened = 16 * (20 * 32 + 20 * 8 + 16 * 8 + 20 * sealed + 20 * 33)
    assert state.sent == keys + trained + opened


@pytest.mark.parametrize("stack", [1, 3])
def test_stacks_agree(stack, losing):
    (one, _), (whole, _) = drive(losing, stack=stack), drive(losing)
    again, _ = drive(losing, stack=stack)
    for name, array in whole.arrays.items():
        np.testing.assert_allclose(one.arrays[name], array, rtol=0, atol=1e-5)
        np.testing.assert_array_equal(one.arrays[name], again.arrays[name])
