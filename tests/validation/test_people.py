"""People are a third source of chance: those whose answers judge, and those whose answers train.

Two arms see one of two features each, in a world that stays the same when the features change places, so
that neither arm is better. People weigh the features by their own lights, so that whoever they happen to be
favours one arm or the other.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
import torch
from scipy.special import expit

from fedsoft.analysis.effects import answer_values, example_values
from fedsoft.analysis.estimates import CONTRAST
from fedsoft.analysis.values import Values
from fedsoft.datasets import Annotations
from fedsoft.evaluation import Judges, build_references, human_strata
from fedsoft.scenarios import PARTITIONS, Known, deal
from fedsoft.streams import stream

IMAGES, ANSWERS, FOLDS, SEEDS = 2_000, 5, 5, 16
QUIRK = 0.7
"""Standard deviation of how much more, or less, than others a person makes of a feature."""
CLIENTS, CROWD = 20, 200
"""People who train in a seed, and people in a world where people train."""
METRICS = ("brier", "signed_gap")


@dataclass(frozen=True)
class Divided:
    """Images of two features, their labels, and who answered what: each image has answers of five people."""

    number: int
    inputs: np.ndarray
    labels: np.ndarray
    answers: Annotations

    @property
    def votes(self) -> np.ndarray:
        """(N, 2) counts."""
        named = self.answers.item * 2 + self.answers.label
        return np.bincount(named, minlength=2 * IMAGES).reshape(IMAGES, 2)


def divided(number: int, people: int) -> Divided:
    """A world with so many people, some of whom answer far more than others."""
    rng = stream("divided world", number=number, people=people)
    inputs = rng.normal(size=(IMAGES, 2))
    labels = rng.random(IMAGES) < expit(6 * inputs.sum(axis=1))
    rate = np.log(rng.lognormal(sigma=0.7, size=people))
    # the largest of rates plus Gumbel noise are draws without replacement in proportion to the rates
    person = np.argsort(rate + rng.gumbel(size=(IMAGES, people)), axis=1)[:, -ANSWERS:]
    own = 1 + QUIRK * rng.normal(size=(people, 2))
    answer = rng.random((IMAGES, ANSWERS)) < expit(2 * (own[person] * inputs[:, None]).sum(axis=-1))
    item = np.repeat(np.arange(IMAGES), ANSWERS)
    return Divided(
        number, inputs, labels.astype(int), Annotations(item, person.ravel(), answer.ravel().astype(int))
    )


def fitted(inputs: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(2, N, 2) what two arms forecast for all images: least squares of answers (A,) on one feature each.

    Args:
        inputs: (N, 2) features; those of the answers are its first A rows.
        answers: (A,) in 0 and 1.
    """
    made = []
    for feature in inputs.T:
        design = np.stack([np.ones_like(feature), feature], axis=1)
        found = np.linalg.lstsq(design[: len(answers)], answers, rcond=None)[0]
        one = (design @ found).clip(0.02, 0.98)
        made.append(np.stack([1 - one, one], axis=1))
    return np.stack(made)


def trained(world: Divided, partition: dict | str) -> Values:
    """A study in sixteen seeds: clients of a partition, or one who has all labels, train two arms."""
    parts, by_answer, images, seeds, sets = [], [], [], [], []
    fold = stream("folds of the divided", number=world.number).permutation(IMAGES) % FOLDS
    references = build_references(
        torch.from_numpy(world.labels), 2, torch.from_numpy(world.votes), stream("m", number=world.number)
    )
    strata = human_strata(torch.from_numpy(world.votes), stream("strata", number=world.number))
    chosen = PARTITIONS.parse(partition)
    known = world.answers.item, world.answers.label, world.answers.annotator
    for seed in range(SEEDS):
        tested = fold == seed % FOLDS
        named = partial(stream, seed=seed, number=world.number)
        item, label = np.arange(IMAGES), world.labels
        if chosen.overlaps:
            among = chosen.may_be_clients(world.answers, seed)
            dealt = deal(
                Known(world.labels),
                ~tested,
                tested,
                chosen,
                CLIENTS,
                named,
                answers=world.answers,
                among=among,
            )
            trains = dealt.team[world.answers.annotator] >= 0
            item, label = world.answers.item[trains], world.answers.label[trains]
            sets.append(chosen.set_of(seed))
        kept = ~tested[item] & (named("training").random(len(item)) < 0.8)  # what else a seed draws
        item, label, test = item[kept], label[kept], np.flatnonzero(tested)
        probs = fitted(np.concatenate([world.inputs[item], world.inputs[test]]), label)[:, len(item) :]
        of_test = {name: references[name][test] for name in ("label", "vote")}
        parts.append(example_values(torch.from_numpy(probs), of_test))
        by_answer.append(answer_values(torch.from_numpy(probs), "vote", Judges.of(test, *known, 2)))
        images.append(test)
        seeds.append(np.full(len(test), seed))
    image = np.concatenate(images)

    def joined(found, references):
        keys = [(reference, metric) for reference in references for metric in METRICS]
        return {("raw", *key): torch.cat([part[key] for part in found], dim=1).numpy() for key in keys}

    return Values(
        ["first", "second"],
        joined(parts, ("label", "vote")),
        image,
        image,
        np.concatenate(seeds),
        {name: mask.numpy()[image] for name, mask in strata.items()},
        sets=np.repeat(sets, [len(rows) for rows in images]) if sets and sets[0] is not None else None,
        judges={"vote": Judges.of(image, *known, 2)},
        answered=joined(by_answer, ("vote",)),
    )


def unknown(values: Values) -> Values:
    """The same, as if nobody knew who judges."""
    return replace(values, judges={}, answered={})


def claims(values: Values, reference: str, effects, stratum: str = "all") -> dict[tuple[str, str], bool]:
    """Whether a difference between the arms is claimed in a stratum, by metric."""
    whole = values if stratum != "all" else replace(values, strata={})
    rows = effects(whole, "second", METRICS, (reference,))
    return {(reference, row.metric): row.p < 0.05 for row in rows if row.stratum == stratum}


@pytest.mark.parametrize("people", [6, 40])
def test_people_who_judge(people, effects, repetitions, most_misses, show):
    """Models know labels alone, and are judged by the votes of six people, or forty."""
    numbers, with_people, without, hard = repetitions(8), Counter(), Counter(), Counter()
    for number in numbers:
        values = trained(divided(number, people), "iid")
        with_people.update(claims(values, "vote", effects))
        without.update(claims(unknown(values), "vote", effects))
        for reference in ("label", "vote"):
            hard.update(claims(values, reference, effects, CONTRAST))
    show(f"judged by {people} people, these resampled", with_people, len(numbers))
    show(f"judged by {people} people, over images and seeds", without, len(numbers))
    # Strata are these people's, and given: against the label they may favour an arm.
    show(f"judged by {people} people, who cut strata: {CONTRAST}", hard, len(numbers))
    assert max(hard["vote", metric] for metric in METRICS) <= most_misses(len(numbers))
    assert max(with_people.values()) <= most_misses(len(numbers))
    assert min(without.values()) > len(numbers) / 3


def test_people_who_train(effects, repetitions, most_misses, show):
    """Twenty people train in each seed: the same in all seeds, or of one of four sets, or of eight."""
    numbers, shared, drawn = repetitions(8), Counter(), {4: Counter(), 8: Counter()}
    people = {"name": "by_annotator", "people": 1}
    for number in numbers:
        world = divided(number, CROWD)
        shared.update(claims(trained(world, people), "label", effects))
        for sets, claimed in drawn.items():
            values = trained(world, people | {"sets": sets})
            for reference in ("label", "vote"):
                claimed.update(claims(values, reference, effects))
    show("trained by the same people in all seeds", shared, len(numbers))
    for sets, claimed in drawn.items():
        show(f"trained by people of {sets} sets", claimed, len(numbers))
        assert max(claimed.values()) <= most_misses(len(numbers))
    assert max(shared.values()) > len(numbers) / 4


@pytest.mark.parametrize(("reference", "size"), [("vote", 0.1), ("label", 0.05)])
def test_a_real_difference_is_found(reference, size, effects, repetitions, show):
    """One arm is worse, so that the controls above are not empty."""
    numbers, found, key = repetitions(4), Counter(), ("raw", reference, "brier")
    for number in numbers:
        values = trained(divided(number, CROWD), {"name": "by_annotator", "people": 1, "sets": 8})
        worse = np.array([[size], [0.0]])
        values.values[key] += worse
        if key in values.answered:
            values.answered[key] += worse
        found[reference, "brier"] += claims(values, reference, effects)[reference, "brier"]
    show(f"a difference of {size}, people resampled", found, len(numbers))
    assert found[reference, "brier"] > len(numbers) / 2
