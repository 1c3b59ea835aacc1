import torch
from scipy.stats import rankdata

from fedsoft.evaluation.bins import bin_index, bin_sums, ranks


def test_ranks_agree_with_scipy(rng):
    values = rng.integers(6, size=(3, 40))
    expected = torch.as_tensor(rankdata(values, axis=-1) - 1)
    torch.testing.assert_close(ranks(torch.as_tensor(values)).double(), expected)


def test_edges_of_equal_width():
    scores = torch.tensor([0.0, 0.25, 0.26, 1.0], dtype=torch.float64)
    assert bin_index(scores, 4, "width").tolist() == [0, 0, 1, 3]


def test_equal_mass_never_parts_ties():
    scores = torch.tensor([0.9, 0.1, 0.5, 0.5, 0.5, 0.2])
    assert bin_index(scores, 3, "mass").tolist() == [2, 0, 1, 1, 1, 0]


def test_sums_by_row():
    index = torch.tensor([[0, 1, 1], [2, 2, 0]])
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert bin_sums(index, values, 3).tolist() == [[1, 5, 0], [6, 0, 9]]
