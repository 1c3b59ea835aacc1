import math

import torch

from fedsoft.evaluation import build_references, entropy, human_mode, onehot, soft_labels


def test_onehot():
    assert onehot(torch.tensor([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_soft_labels_are_vote_shares():
    assert soft_labels(torch.tensor([[3, 1], [0, 5]])).tolist() == [[0.75, 0.25], [0, 1]]


def test_an_image_without_votes_is_undefined():
    assert soft_labels(torch.tensor([[0, 0]])).isnan().all()


def test_mode_is_the_majority(rng):
    assert human_mode(torch.tensor([[1, 3, 2], [5, 0, 0]]), rng).tolist() == [1, 0]


def test_ties_are_split_evenly_among_the_tied(rng):
    modes = human_mode(torch.tensor([[2, 0, 2, 2]] * 9000), rng)
    counts = torch.bincount(modes, minlength=4)
    assert counts[1] == 0
    # binomial(9000, 1/3): standard deviation 45
    assert (counts[[0, 2, 3]] - 3000).abs().max() < 4 * 45


def test_entropy_lies_between_none_and_log_of_the_classes():
    values = entropy(torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.25] * 4, [0.5, 0.5, 0.0, 0.0]]))
    torch.testing.assert_close(values, torch.tensor([0, math.log(4), math.log(2)], dtype=torch.float64))


def test_equal_entropies_tie_exactly(rng):
    row = torch.tensor([31, 7, 5, 3, 2, 1, 1, 1, 0, 0])
    votes = torch.stack([row[torch.as_tensor(rng.permutation(10))] for _ in range(500)])
    assert entropy(soft_labels(votes)).unique().numel() == 1
    # 6 log 6 + 2 log 2 = 4 log 4 + 3 log 3 + 3 log 3
    assert entropy(soft_labels(torch.tensor([[6, 2, 1, 1], [4, 3, 3, 0]]))).unique().numel() == 1


def test_references_that_the_data_allow(rng):
    labels = torch.tensor([1, 1])
    assert set(build_references(labels, 2, None, rng)) == {"label"}
    truth = build_references(labels, 2, torch.tensor([[3, 1], [0, 4]]), rng)
    assert {name: rows.tolist() for name, rows in truth.items()} == {
        "label": [[0, 1], [0, 1]],
        "mode": [[1, 0], [0, 1]],
        "vote": [[0.75, 0.25], [0, 1]],
    }
