import pytest
import torch

from fedsoft.evaluation import human_strata, margin_strata


def names_of(masks):
    """One name for each example: the masks part the examples."""
    table = torch.stack(list(masks.values()))
    assert (table.sum(0) == 1).all()
    return [list(masks)[k] for k in table.int().argmax(0)]


def test_by_hand(rng):
    votes = torch.tensor([[9, 0], [0, 9], [9, 0], [8, 1], [7, 2], [5, 4], [1, 8], [6, 3], [9, 0], [9, 0]])
    names = names_of(human_strata(votes, rng))
    assert [k for k, name in enumerate(names) if name == "hardest_fifth"] == [5, 7]
    assert [k for k, name in enumerate(names) if name == "unanimous"] == [0, 1, 2, 8, 9]


def test_unanimous_images_are_never_hard(rng):
    names = names_of(human_strata(torch.tensor([[9, 0]] * 19 + [[8, 1]]), rng))
    assert names == ["unanimous"] * 19 + ["hardest_fifth"]


def test_ties_are_broken_at_random(rng):
    votes = torch.tensor([[5, 4]] * 50 + [[4, 5]] * 50)
    masks = [human_strata(votes, rng)["hardest_fifth"] for _ in range(200)]
    assert {int(mask.sum()) for mask in masks} == {20}
    # each image 200 times with chance .2: mean 40, standard deviation 5.7
    assert (torch.stack(masks).sum(0) - 40).abs().max() < 5 * 5.7


def test_margins_are_cut_into_fifths_from_the_hardest(rng):
    top = torch.linspace(0.51, 0.99, 20)
    names = names_of(margin_strata(torch.stack([top, 1 - top], dim=-1), rng))
    assert names == [f"margin_fifth_{k}" for k in range(1, 6) for _ in range(4)]


@pytest.mark.parametrize("N", [0, 1, 4])
def test_few_examples(N, rng):
    assert len(names_of(human_strata(torch.tensor([[1, 1]] * N).reshape(N, 2), rng))) == N
    assert len(names_of(margin_strata(torch.full((N, 2), 0.5), rng))) == N
