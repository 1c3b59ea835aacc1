"""Outputs on neighbouring inputs: no event is more than e^ε times as likely, but for δ."""

import numpy as np
import pytest
from scipy.stats import beta

from fedsoft.datasets import Annotations
from fedsoft.privacy import MECHANISMS, Answers, RRWithPrior
from fedsoft.streams import stream

DRAWS = 150_000
CONFIDENCE = 0.999
EPSILON = 1.0
UNITS = ("vote", "image", "annotator", "client")
PRIOR = np.array([0.6, 0.3, 0.1])
NEIGHBOURS = [(0, 1), (1, 0), (0, 2), (2, 0)]


def mechanism(name, unit="vote"):
    delta = {"delta": 1e-4} if "delta" in MECHANISMS.get(name).model_fields else {}
    return MECHANISMS.parse({"name": name, "epsilon": EPSILON, "unit": unit, **delta})


def spends_double(honest):
    """What a mechanism is that forgets half of what it spends."""
    return honest.model_copy(update={"epsilon": 2 * honest.epsilon})


def answers(unit, says, draws):
    """So many times the answers in which a unit says one class: one vote beside another's, an image's two,
    an annotator's or a client's on two images of one vote."""
    if unit == "vote":
        votes = np.tile(np.eye(3, dtype=np.int64)[says] + [1, 0, 0], (draws, 1))
    else:
        votes = np.tile(np.eye(3, dtype=np.int64)[says] * (2 if unit == "image" else 1), (draws, 1))
        votes = votes if unit == "image" else np.repeat(votes, 2, axis=0)
    owner = np.arange(len(votes)) // (1 if unit in ("vote", "image") else 2)
    people = None
    if unit == "annotator":
        people = Annotations(np.arange(len(votes)), owner, np.full(len(votes), says))
    return Answers(votes, owner, people, np.tile(PRIOR, (len(votes), 1)))


def told(spending, unit, says, classes, draws, name):
    """(draws,) what is told of a unit: by how much it speaks for one class rather than another."""
    given = answers(unit, says, draws)
    soft = spending.release(given, stream("ratio", name=name, says=says))
    speaks = (soft[:, classes[0]] - soft[:, classes[1]]) * given.total
    return np.round(speaks.reshape(draws, -1).sum(axis=1), 6)


def violation(a, b, epsilon, delta):
    """By how much the most telling events are surely likelier than (ε, δ) allows; above 0 if some are.

    Events are chosen on a third of the draws (outcomes that were likelier by more than some factor) and
    counted on the others: Clopper-Pearson, all of them together at the stated confidence.
    """
    values, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    third, draws, size = len(a) // 3, len(a) - len(a) // 3, len(values)
    ends = [third, len(a), len(a) + third]
    counts = [np.bincount(part, minlength=size) for part in np.split(place, ends)]
    ratio = (counts[0] + 0.5) / (counts[2] + 0.5)
    events = [ratio > np.exp(epsilon * t) for t in (-0.5, 0, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.3, 1.6)]
    error = (1 - CONFIDENCE) / (2 * len(events))
    found = []
    for event in events:
        x, y = int(counts[1][event].sum()), int(counts[3][event].sum())
        low = beta.ppf(error, x, draws - x + 1) if x else 0.0
        high = beta.ppf(1 - error, y + 1, draws - y) if y < draws else 1.0
        found.append(low - np.exp(epsilon) * high - delta)
    return max(found)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("name", MECHANISMS.names())
def test_no_event_is_likelier_than_stated_and_double_spending_is_caught(name, unit):
    honest, worst = mechanism(name, unit), []
    for spending in (honest, spends_double(honest)):
        made = {says: told(spending, unit, says, (0, 1), DRAWS, name) for says in (0, 1)}
        pairs = ((made[0], made[1]), (made[1], made[0]))
        worst.append(max(violation(*pair, EPSILON, getattr(honest, "delta", 0.0)) for pair in pairs))
    assert worst[0] <= 0 < worst[1]


@pytest.mark.parametrize("pair", NEIGHBOURS)
def test_a_vote_for_a_class_that_the_prior_leaves_out_is_as_safe(pair):
    honest = RRWithPrior(epsilon=EPSILON)
    a, b = (told(honest, "client", says, pair, DRAWS, "left out") for says in pair)
    assert violation(a, b, 2 * EPSILON, 0) <= 0  # two votes


def test_answering_among_all_classes_instead_is_caught(monkeypatch):
    """A known mistake: what only a vote for a class left out can be told as gives it away."""

    def among_all(votes, prior, epsilon, rng):
        missed = votes[:, 2] > 0
        private = honest(votes, prior, epsilon, rng)
        private[missed] = rng.multinomial(votes[missed].sum(axis=1), np.full(3, 1 / 3))
        return private

    from fedsoft.privacy.labels import prior

    honest = prior.respond
    monkeypatch.setattr(prior, "respond", among_all)
    a, b = (told(RRWithPrior(epsilon=EPSILON), "client", says, (2, 0), DRAWS, "all") for says in (2, 0))
    assert violation(a, b, 4.0, 0) > 0
