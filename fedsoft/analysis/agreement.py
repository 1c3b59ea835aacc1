"""What agreement with people can be at best and at worst, and what few votes make of their modes."""

import math

import numpy as np
import torch
from torch import Tensor

from fedsoft.analysis.values import Values
from fedsoft.annotators import draw_votes, split_half
from fedsoft.annotators.likely import likely_distributions
from fedsoft.annotators.mode_shifts import ModeShifts, mode_shifts
from fedsoft.evaluation import (
    AGREEMENT,
    Score,
    agreement_ceiling,
    agreement_floor,
    class_means,
    entropy_error_at_equal_votes,
    mean_vote,
    shuffled_correlation,
    soft_labels,
    split_half_ceiling,
)
from fedsoft.streams import stream
from fedsoft.study.data import load_dataset
from fedsoft.study.plan import Cell
from fedsoft.supervision.human import VotesK

EQUAL_VOTES = "entropy_error_at_equal_votes"


def equal_votes_score(cell: Cell, values: Values, probs: Tensor) -> Score:
    """The entropy error at equal votes of pooled predictions (J, N, C), beside the other pooled scores."""
    votes = torch.from_numpy(load_dataset(cell.study.dataset).require_votes("agreement")[values.image])
    found = entropy_error_at_equal_votes(probs, votes.to(probs.device), stream("equal votes"))
    return Score("all", "vote", EQUAL_VOTES, found)


def agreement_bounds(cell: Cell, values: Values, probs: Tensor) -> dict[str, tuple[float, float]]:
    """Floor and ceiling of each agreement metric on the images tested in a cell.

    Floors: the mean vote of the seed's training images, which sees nothing, or each source's predicted
    class, spread as the votes of the training images of that label are on average; and for the entropy
    correlation a source's own entropies shuffled among the images of a label; of all of these the best.
    Ceilings: draws from each image's posterior, as `likely_distributions` has it, scored against as
    many votes as there are; NaN where images of a label have one vote each, which does not say how they
    differ.

    Args:
        cell: the cell.
        values: its per-example values under one strategy, for the images and seeds.
        probs: (J, N, C) pooled predictions of the same images and seeds.
    """
    data = load_dataset(cell.study.dataset)
    votes = torch.from_numpy(data.require_votes("agreement"))
    labels = torch.from_numpy(data.labels)
    blind = torch.empty((len(probs) + 1, *probs.shape[1:]), dtype=torch.float64)
    for seed in np.unique(values.seed):
        cells = values.seed == seed
        train = data.voted if data.held_out is None else data.voted & ~data.held_out
        train[values.image[cells]] = False
        means = class_means(votes[train], labels[train])
        blind[:-1, cells] = means[probs[:, cells].argmax(dim=-1).cpu()]
        blind[-1, cells] = mean_vote(votes[train])
    people = soft_labels(votes[values.image])
    floor = {name: _nearest_zero(found) for name, found in agreement_floor(blind, people).items()}
    shuffled = shuffled_correlation(
        probs, labels[values.image].to(probs.device), people.to(probs.device), stream("shuffled entropies")
    )
    known = shuffled[~shuffled.isnan()]
    floor["entropy_correlation"] = float(known.max()) if len(known) else math.nan
    tested, truths = np.unique(values.image), None
    if data.counted:
        truths = likely_distributions(
            data.require_votes("agreement")[tested], data.labels[tested], data.labels_are_majority
        )
    rng, ceiling = stream("ceilings"), dict.fromkeys(AGREEMENT, math.nan)
    if truths is not None:
        counts = votes[tested].sum(dim=-1)
        found = [agreement_ceiling(torch.from_numpy(truth), counts, rng) for truth in truths]
        ceiling = {name: float(np.mean([one[name] for one in found])) for name in AGREEMENT}
    bounds = {name: (floor[name], ceiling[name]) for name in AGREEMENT}
    if not data.counted:
        return bounds
    alike = entropy_error_at_equal_votes(blind, votes[values.image], stream("equal votes"))
    return {**bounds, EQUAL_VOTES: (_nearest_zero(alike), 0.0)}


def _nearest_zero(values: Tensor) -> float:
    """The best of divergences, distances or signed errors."""
    return float(values[values.abs().argmin()])


def split_half_bound(cell: Cell, values: Values) -> float:
    """The ceiling of the entropy correlation from halves of the tested images' votes; NaN under two votes."""
    data = load_dataset(cell.study.dataset)
    votes = data.require_votes("agreement")[np.unique(values.image)]
    votes = votes[votes.sum(axis=1) > 1]
    if not data.counted or not len(votes):
        return math.nan
    first, second = split_half(votes, stream("split halves"))
    return split_half_ceiling(torch.from_numpy(first), torch.from_numpy(second))


def mode_shift_rates(cell: Cell) -> dict[str, ModeShifts]:
    """Mode shifts of the images that may be trained on, by how many of their votes there are.

    Of all votes; of those that clients in no party collect, where these are not all; and of each `votes_k`
    of the study; of all votes alone where simulated people answer. None where labels are the votes' own mode:
    nothing can be said of correction.
    """
    data = load_dataset(cell.study.dataset)
    if data.votes is None or data.labels_are_majority or not data.counted:
        return {}
    rows = data.voted if data.held_out is None else data.voted & ~data.held_out
    if data.labelled is not None:
        rows &= data.labelled
    votes, labels = data.votes[rows], data.labels[rows]
    everyone, fewer = cell.study.scenario.party(-1), cell.study.scenario.few_votes == "take"
    if everyone.crowd is not None:
        return {
            "all votes": mode_shifts(votes, labels, likely_distributions(votes, labels), stream("mode noise"))
        }
    pool = everyone.pool
    collected = votes if pool.takes_all else pool.collect(votes, labels, stream("mode shifts"), fewer)
    sets = {"all votes": votes} | ({} if pool.takes_all else {"votes collected": collected})
    for arm in cell.study.arms:
        if isinstance(arm.source, VotesK):
            sets[arm.source.label()] = draw_votes(collected, arm.source.k, stream("mode shifts"), fewer)
    return {
        name: mode_shifts(some, labels, likely_distributions(some, labels), stream("mode noise"))
        for name, some in sets.items()
    }
