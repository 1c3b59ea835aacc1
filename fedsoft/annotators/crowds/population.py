"""People with skill, laziness, bias and a style of their own; spammers and adversaries among them."""

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator
from scipy.special import ndtri

from fedsoft.annotators.crowds.crowd import CROWDS, Asked, SimulatedCrowd, drawn, summed
from fedsoft.annotators.crowds.sight import Sight
from fedsoft.annotators.crowds.traits import Traits, around, some_of, turned_round

TRAITS = 7
"""Uniform draws a person, beside one a class."""
SEES, SLIPS, SLIPS_TO, LOOKS, GUESSES, LEANS = range(6)
"""Uniform draws an answer."""
TINY = 1e-12


@CROWDS("population")
class Population(SimulatedCrowd):
    """People drawn around stated means, who see an item as its voters did and then err each in their own way.

    A person looks, except with probability `laziness`, and sees what one of the item's voters said. With
    probability `skill` that is the answer; else another class is, as the data's people confuse them; on hard
    items the odds of that are `exp(difficulty × h)` times as high, where h is the entropy of the item's votes
    as a share of the largest possible. A person who does not look answers as often as usual at this client.
    With probability `bias` the answer is the person's favourite class instead. Spammers never look.
    Adversaries do all this, and then write down another class, always the same for one.
    """

    skill: float = Field(0.9, ge=0, le=1, description="mean probability of answering what was seen")
    laziness: float = Field(0.0, ge=0, le=1, description="mean probability of answering without a look")
    bias: float = Field(
        0.0, ge=0, le=1, description="mean probability of answering one's favourite class, whatever it is"
    )
    spread: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="how far people differ: the standard deviation of skill, laziness and bias, as a share "
        "of the largest that their means allow, and of the logarithm of confidence",
    )
    difficulty: float = Field(0.0, ge=0, le=20, description="how much more often hard items make people slip")
    answer: Literal["class", "distribution"] = Field(
        "class", description="what an answer is; distributions are what an answer says of the label"
    )
    confidence: float = Field(
        1.0,
        gt=0,
        le=100,
        description="median exponent of distributions: above 1 people are too sure, below 1 not sure enough",
    )
    spammers: float = Field(0.0, ge=0, le=1, description="share of the people who answer without any look")
    spam: Literal["random", "one_class"] = Field(
        "random", description="whether spammers answer any class evenly, or each always the same"
    )
    adversaries: float = Field(0.0, ge=0, le=1, description="share of the people who swap classes on purpose")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.spammers + self.adversaries > 1:
            raise ValueError("spammers and adversaries are more than all people")
        if self.confidence != 1 and self.answer == "class":
            raise ValueError('confidence shows in distributions only; set answer = "distribution"')
        return self

    def draws(self, classes: int) -> tuple[int, int]:
        """Seven a person and one a class; six an answer."""
        return TRAITS + classes, 6

    def traits(self, chance: np.ndarray) -> Traits:
        """People (R) of clients who have as many each, by uniform draws (R, 7 + C)."""
        classes = chance.shape[1] - TRAITS
        own = chance[:, 5].reshape(-1, self.people)
        rank = np.argsort(np.argsort(own, axis=1), axis=1)
        rounds = chance[:: self.people, 6]
        spammers = some_of(self.spammers, self.people, rounds)[:, np.newaxis]
        others = some_of(self.spammers + self.adversaries, self.people, rounds)[:, np.newaxis]
        turned = turned_round(chance[:, TRAITS:])
        against = ((rank >= spammers) & (rank < others)).reshape(-1, 1)
        return Traits(
            skill=around(self.skill, self.spread, chance[:, 0]),
            laziness=around(self.laziness, self.spread, chance[:, 1]),
            bias=around(self.bias, self.spread, chance[:, 2]),
            favourite=(chance[:, 3] * classes).astype(np.int64),
            confidence=self.confidence * np.exp(self.spread * ndtri(chance[:, 4])),
            spams=(rank < spammers).ravel(),
            turned=np.where(against, turned, np.arange(classes)),
        )

    def said(self, sight: Sight, asked: Asked) -> np.ndarray:
        """What people see, made into answers by their traits."""
        people, chance, person = self.traits(asked.traits), asked.chance, asked.person
        label = drawn(sight.seen, asked.row, chance[:, SEES])
        slips = np.flatnonzero(chance[:, SLIPS] < self._slip(people.skill[person], sight.hard[asked.row]))
        label[slips] = drawn(sight.slips_to, label[slips], chance[slips, SLIPS_TO])
        blind = np.flatnonzero(chance[:, LOOKS] < people.laziness[person])
        if len(blind):
            label[blind] = drawn(_usual(sight, asked), asked.client[blind], chance[blind, GUESSES])
        label = np.where(chance[:, LEANS] < people.bias[person], people.favourite[person], label)
        spam = people.favourite[person]
        if self.spam == "random":
            spam = (chance[:, GUESSES] * sight.seen.shape[1]).astype(np.int64)
        label = np.where(people.spams[person], spam, label)
        if self.answer == "class":
            return people.turned[person, label]
        belief = self._belief(sight, people, person, label)
        found = np.empty_like(belief)
        np.put_along_axis(found, people.turned[person], belief, axis=1)
        return found

    def _slip(self, skill: np.ndarray, hard: np.ndarray) -> np.ndarray:
        """(A,) probability of a slip: 1 - skill, its odds times exp(difficulty × hardness)."""
        if not self.difficulty:
            return 1 - skill
        more = np.exp(self.difficulty * hard)
        slip: np.ndarray = (1 - skill) * more / (skill + (1 - skill) * more)
        return slip

    def _belief(self, sight: Sight, people: Traits, person: np.ndarray, label: np.ndarray) -> np.ndarray:
        """(A, C) how likely a person who answers so finds each class, then sharpened or flattened.

        With confidence 1, the probability that it is the label, given the answer and what the person is like,
        over all items of the data and but for what `difficulty` adds.
        """
        own = people.bias[person] * (people.favourite[person] == label)
        looked = people.skill[person, np.newaxis] * sight.given.T[label]
        looked += (1 - people.skill[person, np.newaxis]) * (sight.given @ sight.slips_to).T[label]
        usual = (sight.shares @ sight.given)[label]
        blind = people.laziness[person]
        likely = (blind * usual)[:, np.newaxis] + (1 - blind)[:, np.newaxis] * looked
        likely = own[:, np.newaxis] + (1 - people.bias[person])[:, np.newaxis] * likely
        belief = sight.shares * np.maximum(likely, TINY)  # spammers say what nobody else would
        belief /= belief.max(axis=1, keepdims=True)
        belief **= people.confidence[person, np.newaxis]
        sure: np.ndarray = belief / belief.sum(axis=1, keepdims=True)
        return sure


def _usual(sight: Sight, asked: Asked) -> np.ndarray:
    """(K, C) how often each class is seen in what a client asks."""
    sums = summed(sight.seen, asked.row, asked.client, int(asked.client.max()) + 1)
    shares: np.ndarray = sums / sums.sum(axis=1, keepdims=True)
    return shares


@CROWDS("experts")
class Experts(Population):
    """A population of people who look, and nearly always answer what they saw."""

    skill: float = Field(0.98, ge=0, le=1, description="mean probability of answering what was seen")
    spread: float = Field(0.1, ge=0, lt=1, description="how far people differ, as in a population")


@CROWDS("spammers")
class Spammers(Population):
    """A population of people who answer without any look."""

    spammers: float = Field(1.0, ge=0, le=1, description="share of the people who answer without any look")
