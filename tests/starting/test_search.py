"""What a search tries next, and what it makes of what it found."""

from pathlib import Path

import numpy as np
import pytest

from fedsoft.datasets import AnnotatedDataset
from fedsoft.starting import search
from fedsoft.starting.models import middle_rate, others_for
from fedsoft.starting.rest import Settled
from fedsoft.starting.search import Size, Trial, _further, _searched, sizes


def trial(model, *found, second=0.0, middle=0.1, rounds=60):
    one = Trial({"model": model}, ["hard"], middle, 0.75, 10, Path("unused"), 0.0)
    one.size, one.run_second = Size(4, 1, 4, rounds), second
    one.begun = {each.lr: rounds for each in found}
    one.found = {each.lr: each for each in found}
    one.arm_labels = ["hard"]
    return one


def came_to(lr, nll=1.4, learned=False, at_rest=False, rounds=60):
    return Settled(lr, rounds, at_rest, nll, nll / 2, learned)


def next_of(*trials, elapsed=0.0):
    step = _further(trials, elapsed)
    return step and (trials.index(step[0]), *step[1:])


def test_where_nothing_learned_higher_rates_and_more_rounds_are_tried_while_there_is_time():
    cnn = [came_to(lr) for lr in (0.03, 0.1, 0.3)]
    assert next_of(trial("cnn", *cnn)) == (0, [0.3, 1.0], 120)
    assert next_of(trial("cnn", *cnn, second=30 / (4 * 60))) == (0, [1.0], 60)
    assert next_of(trial("cnn", *cnn, came_to(1.0))) == (0, [1.0], 120)
    assert next_of(trial("cnn", *cnn, came_to(1.0), rounds=120)) is None
    assert next_of(trial("cnn", *cnn, second=0.01), elapsed=search.FURTHER) is None


def test_the_best_rate_is_looked_beyond_and_trained_on():
    learned = [came_to(0.03, 1.0, True, True), came_to(0.1, 0.9, True, True)]
    assert next_of(trial("cnn", *learned)) == (0, [0.3], 60)
    inside = [*learned, came_to(0.3, 1.2, True, True)]
    assert next_of(trial("cnn", *inside)) is None
    moving = [came_to(lr, nll, True) for lr, nll in ((0.03, 1.0), (0.1, 0.9), (0.3, 1.2))]
    assert next_of(trial("cnn", *moving)) == (0, [0.1], 120)


def test_the_model_that_learns_is_chosen_and_the_usual_one_where_it_is_as_good():
    flat, good = trial("cnn", came_to(0.1, 1.3)), trial("linear", came_to(0.01, 1.35, True, True))
    found = _searched([flat, good], 20.0)
    assert (found.model, found.chosen.lr, found.warning) == (1, 0.01, "")
    assert "1.35, against 1.30 of cnn" in found.why
    as_good = trial("cnn", came_to(0.1, 1.355, True, True))
    assert _searched([as_good, good], 20.0).model == 0


def test_where_nothing_learned_the_middle_rate_is_a_guess_and_the_search_says_what_it_did():
    low = trial("cnn", came_to(0.01, 1.4), came_to(0.1, 1.41), came_to(0.3, 1.43), rounds=120)
    found = _searched([low], 31.0)
    assert (found.chosen.lr, found.chosen.rounds, found.chosen.at_rest) == (0.1, 120, False)
    assert "found nothing that learns in 31 s: cnn at lr 0.01 to 0.3 for up to 120 rounds" in found.warning
    assert found.tuned.startswith("not tuned: nothing learned")


@pytest.mark.parametrize(("validating", "seeds"), [(6, 7), (1, 8), (0, 8), (30, 2), (500, 2)])
def test_few_validation_examples_take_more_seeds(validating, seeds):
    assert sizes(validating)[0].seeds == seeds


def test_few_small_images_are_tried_with_a_linear_model_at_a_rate_that_their_pixels_bear():
    def images(side):
        inputs = np.full((8, side, side, 3), 255, np.uint8)  # white: ones, to models
        return AnnotatedDataset("made", inputs, np.arange(8) % 2, ("a", "b"))

    assert others_for(images(32), 64) == ("linear",)
    assert others_for(images(33), 64) == others_for(images(32), 1000) == ()
    assert middle_rate(images(32), "linear") == pytest.approx(10 / (1 + 32 * 32 * 3))
    assert middle_rate(images(32), {"name": "cnn"}) == 0.1
