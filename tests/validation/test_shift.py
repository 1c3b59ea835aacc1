"""A shift of confidence is not an effect on hard examples, though it looks like one as predicted."""

from collections import Counter

import torch

from fedsoft.analysis.estimates import CONTRAST
from fedsoft.evaluation import apply_temperature
from fedsoft.streams import stream


def shifted(number, build, fit, together):
    """Two arms on hard labels, each with draws of its own; the second softened about twofold in each seed."""
    world = build(number, "image")
    probs, parts = fit(world, ["hard", "hard"], paired=False)
    spread = torch.from_numpy(stream("temperatures", number=number).normal(0, 0.1, len(probs)))
    probs[:, 1] = apply_temperature(probs[:, 1], 2.0 * spread.exp())
    return together(world, ["hard", "softened"], probs, parts)


def test_one_temperature_is_no_effect_on_hard_examples(
    build, fit, together, effects, repetitions, most_misses, show
):
    numbers, claimed = repetitions(16), Counter()
    for number in numbers:
        values = shifted(number, build, fit, together)
        for row in effects(values, "hard", ("brier", "signed_gap"), ("label", "vote")):
            if row.stratum == CONTRAST:
                claimed[row.view, row.reference, row.metric] += row.p < 0.05
    for view in ("raw", "equal_confidence", "calibrated_confidence", "own_temperature"):
        some = Counter({key: count for key, count in claimed.items() if key[0] == view})
        show(f"shift alone, {view}", some, len(numbers))
    undone = [claimed[view, *what] for view, *what in claimed if view != "raw"]
    assert len(undone) == 2 * 4 + 2
    assert max(undone) <= most_misses(len(numbers))
    # What the views are for: as predicted, the same arms differ on hard examples beyond doubt.
    assert claimed["raw", "vote", "signed_gap"] >= 0.8 * len(numbers)
