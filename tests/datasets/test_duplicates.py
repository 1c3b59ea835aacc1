import numpy as np
import pytest

from fedsoft.datasets.duplicates import find_duplicates


@pytest.mark.parametrize("images", [False, True])
def test_by_hand(images):
    inputs = np.array([[0, 1], [2, 3], [0, 1], [4, 5], [2, 3], [0, 1], [1, 0]])
    rows = inputs.astype(np.uint8).reshape(7, 1, 2, 1) if images else inputs.astype(np.float32)
    labels = np.array([0, 1, 0, 1, 0, 0, 0])
    found = find_duplicates(rows, labels)
    assert (found.groups, found.items, found.unlike, found.both_sides) == (2, 5, 1, 0)
    assert found.example == (0, 2, 5)
    held_out = np.array([False, True, False, True, False, False, False])
    found = find_duplicates(rows, labels, held_out)
    assert found.both_sides == 1
    assert found.example == (1, 4)


def test_items_that_are_all_alike_or_all_different():
    assert find_duplicates(np.arange(6.0).reshape(3, 2), np.zeros(3)).groups == 0
    assert find_duplicates(np.ones((4, 2)), np.zeros(4)).items == 4
    assert find_duplicates(np.ones((4, 0)), np.zeros(4)).items == 0  # answers alone
