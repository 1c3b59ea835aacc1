"""Fates of clients follow their probabilities."""

import numpy as np
import pytest
from pydantic import ValidationError

from fedsoft.scenarios import Fate, Mishaps
from fedsoft.streams import stream


def test_shares_are_as_stated():
    mishaps = Mishaps(dropped=0.1, late=0.2, failing=0.3)
    fates = mishaps.fates(np.zeros(100_000, dtype=bool), stream("fates"))
    for fate, share in ((Fate.DROPPED, 0.1), (Fate.LATE, 0.2), (Fate.FAILING, 0.3), (Fate.WELL, 0.4)):
        assert abs((fates == fate).mean() - share) < 0.006


def test_the_seldom_are_chosen_once_and_there_as_often_as_stated():
    mishaps = Mishaps(seldom=0.25, seldom_there=0.1)
    seldom = mishaps.seldom_clients(40, stream("who"))
    assert seldom.sum() == 10
    rounds = np.stack([mishaps.fates(seldom, stream("fates", round=r)) for r in range(2000)])
    assert (rounds[:, ~seldom] == Fate.WELL).all()
    assert abs((rounds[:, seldom] == Fate.WELL).mean() - 0.1) < 0.01


def test_probabilities_that_exceed_one_are_refused():
    with pytest.raises(ValidationError, match="in sum above 1"):
        Mishaps(dropped=0.5, late=0.4, failing=0.2)


def test_without_mishaps_nothing_can_happen():
    assert Mishaps(seldom_there=0.0).none
    assert not Mishaps(seldom=0.1).none
