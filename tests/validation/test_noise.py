"""Where there is nothing to learn nothing is claimed, and where there is, other arms change no claim."""

from collections import Counter
from dataclasses import replace

import numpy as np

from fedsoft.analysis.comparison import compare
from fedsoft.analysis.learning import learned
from fedsoft.config import Endpoint
from fedsoft.streams import stream

MORE = ["hard", "human_soft", "human_hard", "smoothing", "human_class_mean"]


def test_studies_on_pure_noise_claim_nothing(build, fit, together, repetitions, show):
    """Inputs that say nothing: no two arms that could be compared both beat a constant, in any view."""
    numbers, claimed = repetitions(10), Counter()
    for number in numbers:
        world = build(number, "image")
        blank = stream("blank", number=number).normal(size=world.inputs.shape).astype(np.float32)
        world = replace(world, inputs=blank)
        found = learned(together(world, MORE, *fit(world, MORE)), "fedavg")
        places = {(row.view, row.reference, row.metric) for row in found}
        for place in places:
            able = [
                row for row in found if (row.view, row.reference, row.metric) == place and row.beats_constant
            ]
            claimed[place] += len(able) >= 2
    show("verdicts possible on pure noise", claimed, len(numbers))
    assert claimed.total() == 0


def test_models_that_learned_are_not_taken_for_noise(build, fit, together):
    """Where inputs tell, every arm beats the constant as predicted: the control above is not empty."""
    world = build(0, "image")
    found = learned(together(world, MORE, *fit(world, MORE)), "fedavg")
    assert all(row.beats_constant for row in found if row.view == "raw")


def test_other_arms_change_no_endpoint(build, fit, together, repetitions):
    """The compared pair's values, and so every figure of the endpoint, bit for bit."""
    endpoint = Endpoint(source="human_soft", baseline="hard", reference="vote", stratum="hardest_fifth")
    for number in repetitions(4):
        world = build(number, "image")
        probs, parts = fit(world, MORE)
        alone = compare(together(world, MORE[:2], probs[:, :2], parts), endpoint, {}, None)
        among = compare(together(world, MORE, probs, parts), endpoint, {}, None)
        for one, other in zip(
            (alone.effect, *alone.elsewhere.values()), (among.effect, *among.elsewhere.values()), strict=True
        ):
            assert np.array_equal(one.estimate, other.estimate)
            assert np.array_equal(one.se, other.se)
