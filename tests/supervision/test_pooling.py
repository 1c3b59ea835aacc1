"""Which sources make an example's target of other examples' votes."""

import numpy as np
import pytest

from fedsoft.streams import stream
from fedsoft.supervision import SOURCES, Evidence

VOTES = stream("pooled votes").multinomial(9, [0.6, 0.3, 0.1], 40)
ONE_BY_ONE = ("hard", "human_soft", "human_soft_mode_matched", "mass_only", "entropy_only", "stochastic")


def moved(source, votes):
    """Whether targets of the other examples move with the votes of the first."""
    labels, client = np.tile([0, 1], 20), np.zeros(40, dtype=np.int64)
    before, after = (
        SOURCES.parse(source).targets(
            Evidence(labels, 3, client, votes=some, soft=some / 9), stream("targets")
        )
        for some in (VOTES, votes)
    )
    return np.abs(before[1:] - after[1:]).max() > 1e-9


@pytest.mark.parametrize("source", [*ONE_BY_ONE, "human_class_mean", "human_soft_shrunk", "smoothing"])
def test_those_that_pool_say_so(source):
    changed = VOTES.copy()
    changed[0] = [0, 0, 9]
    options = SOURCES.parse(source)
    assert moved(source, changed) == (options.pools or options.borrows_rate)
    assert (source in ONE_BY_ONE) != (options.pools or options.borrows_rate)
