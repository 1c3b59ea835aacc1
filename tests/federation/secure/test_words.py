"""Whole numbers of 32 bits whose sums are theirs, up to the step; nothing saturates or wraps."""

import numpy as np
import pytest

from fedsoft.errors import EngineError
from fedsoft.federation.records import to_record
from fedsoft.federation.secure.words import METRIC_RANGE, OutsideError, from_words, to_words
from fedsoft.federation.totals import Total
from fedsoft.privacy import SecureSum
from fedsoft.streams import stream

OPTIONS = SecureSum(range=2.0, bits=20)


def summed(words):
    total = np.zeros_like(words[0])
    for one in words:
        total += one
    return total


def test_sums_are_right_to_half_a_step_a_client():
    rng, clients, bound = stream("words"), 20, 50
    updates, examples = rng.uniform(-2, 2, (clients, 300)), rng.integers(1, 51, clients)
    losses = rng.uniform(0, 9, clients)
    sent = [
        to_words(*one, bound, OPTIONS)
        for one in zip(updates, examples.tolist(), [{"train-loss": loss} for loss in losses], strict=True)
    ]
    assert {word.dtype for word in sent} == {np.dtype(np.uint32)}
    update, counted, metrics = from_words(summed(sent), ["train-loss"], bound, OPTIONS)
    weights = examples / bound
    assert np.abs(update - weights @ updates).max() <= clients * OPTIONS.step / 2
    assert counted == examples.sum()
    step = METRIC_RANGE / OPTIONS.levels
    assert abs(metrics["train-loss"] - weights @ losses) <= clients * step / 2


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_sum_does_not_wrap(sign):
    options = SecureSum(range=3.0, bits=24)
    options.check_cohort(256)
    word = to_words(np.full(2, sign * 3.0), 10, {"train-loss": METRIC_RANGE}, 10, options)
    update, examples, metrics = from_words(summed([word] * 256), ["train-loss"], 10, options)
    np.testing.assert_allclose(update, sign * 3.0 * 256)
    assert (examples, metrics["train-loss"]) == (2560, pytest.approx(METRIC_RANGE * 256))


@pytest.mark.parametrize("bad", [2.0001, -2.0001, np.nan, np.inf])
def test_what_is_outside_the_range_is_refused_and_not_named(bad):
    with pytest.raises(
        OutsideError, match=r"outside ±2, and is not cut off; raise privacy.secure_sum.range"
    ) as e:
        to_words(np.array([0.0, bad]), 1, {}, 100, OPTIONS)
    assert str(abs(bad)) not in str(e.value)


def test_a_small_weight_does_not_hide_what_is_outside():
    """An update is held to the range, not its weighted form: else the range would depend on the weight."""
    with pytest.raises(OutsideError):
        to_words(np.array([5.0]), 1, {}, 1000, OPTIONS)


@pytest.mark.parametrize("bad", [METRIC_RANGE + 1, np.nan])
def test_a_loss_outside_its_range_is_refused(bad):
    with pytest.raises(OutsideError, match=r"one of train-loss is outside ±64, .*lower training.lr"):
        to_words(np.zeros(1), 1, {"train-loss": bad}, 10, OPTIONS)


def test_more_examples_than_the_bound_are_refused():
    with pytest.raises(OutsideError, match=r"more than 10 examples; raise privacy.secure_sum.examples"):
        to_words(np.zeros(1), 11, {}, 10, OPTIONS)


def test_a_weight_of_zero_adds_nothing_and_has_no_mean():
    words = to_words(np.ones(2), 0, {"train-loss": 3.0}, 10, OPTIONS)
    assert not words.any()
    update, examples, metrics = from_words(words, ["train-loss"], 10, OPTIONS)
    with pytest.raises(EngineError, match="weight 0 in sum"):
        Total(update, 0.0, metrics, 1, examples).as_reply(to_record({"w": np.zeros(2, np.float32)}))
