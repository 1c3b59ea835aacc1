"""What sources' training targets are like, what they cost, and how far they are apart."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fedsoft.analysis.finished import Finished
from fedsoft.errors import FedsoftError
from fedsoft.evaluation import human_strata
from fedsoft.streams import stream
from fedsoft.study.plan import labels
from fedsoft.study.prepare import Prepared, prepare
from fedsoft.study.settings import RunSettings
from fedsoft.supervision import dose


@dataclass(frozen=True)
class Targets:
    """What one source's training targets are like, averaged over seeds, and what they cost.

    Attributes:
        summary: entropy, top_mass, mode_shift_rate; empty for the user's own model, which has no targets.
        votes_bought: answers bought a seed, over all clients.
        seconds: compute seconds of a run, on average.
        privacy: ε per vote and per image, where labels are private.
    """

    summary: dict[str, float]
    votes_bought: float
    seconds: float
    privacy: dict[str, float]


def targets_of(finished: Finished) -> dict[str, Targets]:
    """The targets of every source that has finished runs."""
    found = {}
    for source in labels(finished.cell.study.arms):
        made = [finished.records[run.key] for run in finished.done if run.arm.label() == source]
        if made:
            found[source] = Targets(
                {name: float(np.mean([m["targets"][name] for m in made])) for name in made[0]["targets"]},
                float(np.mean([m["votes_bought"] for m in made])),
                float(np.mean([m["seconds"] for m in made])),
                {name: max(m["privacy"][name] for m in made) for name in made[0]["privacy"]},
            )
    return found


def doses_of(finished: Finished) -> dict[str, np.ndarray]:
    """Doses between all sources, by difficulty stratum of the training examples, `all` first.

    Of the first finished seed, since targets do not depend on the strategy: (J, J) mean total variation
    between sources' targets, in the order of the study's sources; NaN for models of the user's own.
    """
    cell = finished.cell
    first = cell.study.strategies[0].label()
    for seed in cell.study.seeds:
        runs = finished.runs(seed, first)
        needed = (need for run in runs for need in (*run.teachers(), *run.priors()))
        if all(finished.store.is_done(need.key) for need in needed):
            ready = {run.source: run for run in runs if run.source}
            tried = {source: _prepared(run, finished) for source, run in ready.items()}
            made = {source: one for source, one in tried.items() if one is not None}
            if not made:
                continue
            # What has no targets takes the last place, whose distances are not known.
            place = [list(made).index(run.source) if run.source in made else len(made) for run in runs]
            return {
                stratum: _distances([one.targets[mask] for one in made.values()])[np.ix_(place, place)]
                for stratum, mask in _training_strata(next(iter(made.values()))).items()
            }
    return {"all": np.full((len(cell.study.arms),) * 2, np.nan)}


def _prepared(run: RunSettings, finished: Finished) -> Prepared | None:
    """The run, ready to train; None where it cannot be done, which its failure tells."""
    try:
        return prepare(run, finished.store, finished.device)
    except FedsoftError:
        return None


def _distances(targets: Sequence[np.ndarray]) -> np.ndarray:
    """(J + 1, J + 1) doses between J targets (n, C), and the NaN of one more that is none."""
    doses = np.full((len(targets) + 1,) * 2, np.nan)
    doses[np.diag_indices(len(targets))] = 0
    for a, b in itertools.combinations(range(len(targets)), 2):
        doses[a, b] = doses[b, a] = dose(targets[a], targets[b])
    return doses


def _training_strata(ready: Prepared) -> dict[str, np.ndarray]:
    """Training examples (M,) by difficulty stratum, cut over themselves; strata without any are left out."""
    rows = ready.task.train.rows
    strata = {"all": np.ones(len(rows), dtype=bool)}
    if ready.dataset.votes is not None:
        voted = ready.dataset.voted[rows]
        found = human_strata(torch.from_numpy(ready.dataset.votes[rows[voted]]), stream("strata"))
        for name, mask in found.items():
            if mask.any():
                strata[name] = np.zeros(len(rows), dtype=bool)
                strata[name][voted] = mask.numpy()
    return strata
