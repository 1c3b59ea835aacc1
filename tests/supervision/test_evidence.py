"""What a label source may look at."""

from dataclasses import replace

import numpy as np
import pytest

from fedsoft.datasets import Annotations
from fedsoft.errors import DataError
from fedsoft.supervision import onehot


def test_a_subset_keeps_parts_together(evidence):
    whole = evidence(
        [[1, 0], [0, 2], [3, 1]], labels=[0, 1, 0], client=[4, 5, 6], predictions=[[0.1, 0.9]] * 3
    )
    part = whole.subset(np.array([2, 0]))
    np.testing.assert_array_equal(part.labels, [0, 0])
    np.testing.assert_array_equal(part.client, [6, 4])
    np.testing.assert_array_equal(part.votes, [[3, 1], [1, 0]])
    np.testing.assert_array_equal(part.soft, [[0.75, 0.25], [1, 0]])
    assert (len(part), part.classes, part.predictions.shape) == (2, 2, (2, 2))


def test_a_subset_keeps_the_annotations_of_its_examples(evidence):
    who = Annotations(
        item=np.array([0, 1, 1, 2]), annotator=np.array([5, 5, 6, 6]), label=np.array([0, 1, 1, 0])
    )
    whole = replace(evidence([[1, 0], [0, 2], [1, 0]], labels=[0, 1, 0]), annotations=who)
    part = whole.subset(np.array([2, 1])).annotations
    np.testing.assert_array_equal(part.item, [1, 1, 0])
    np.testing.assert_array_equal(part.annotator, [5, 6, 6])
    np.testing.assert_array_equal(part.label, [1, 1, 0])


def test_a_subset_of_nothing_is_nothing(evidence):
    part = evidence([[1, 0]], labels=[0]).subset(np.array([0]))
    assert part.predictions is None
    assert part.annotations is None


def test_what_is_needed_must_be_there(evidence):
    one = evidence([[1, 0]], labels=[0])
    np.testing.assert_array_equal(one.need("votes", "x"), [[1, 0]])
    with pytest.raises(DataError, match="label source 'x' needs predictions, and 1 of 1 examples have none"):
        one.need("predictions", "x")


def test_onehot():
    np.testing.assert_array_equal(onehot(np.array([2, 0]), 3), [[0, 0, 1], [1, 0, 0]])
