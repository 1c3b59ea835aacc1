"""Levels of sources and effects between them, each with its interval, overall and by stratum."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fedsoft.analysis.effects import HALF, effects_of
from fedsoft.analysis.values import MARGIN, Key, Values
from fedsoft.evaluation import ECE, Crossing, Effects

HARDEST, REST, CONTRAST = "hardest_fifth", "rest", "hardest_fifth − rest"
"""The headline contrast: what happens on hard examples beyond what happens everywhere else."""
MARGIN_REST, MARGIN_CONTRAST = "larger_margin", "smallest_margin − rest"
"""The same, where a model finds it hard."""
CONTRASTS = ((HARDEST, REST, CONTRAST), (MARGIN, MARGIN_REST, MARGIN_CONTRAST))


@dataclass(frozen=True)
class Estimate:
    """A level of one source, or an effect, with its 95 % interval.

    Attributes:
        name: the source's label, or the effect's name.
        formula: empty for a level; for an effect the sources it combines.
        p: two-sided p value of no effect, unadjusted; NaN for a level.
    """

    strategy: str
    name: str
    formula: str
    view: str
    reference: str
    metric: str
    stratum: str
    estimate: float
    low: float
    high: float
    p: float


def estimate(values: Values, strategy: str, baselines: Sequence[str]) -> list[Estimate]:
    """Every level and effect by view, reference, metric and stratum, and the headline contrasts of each.

    Args:
        values: of the runs of one strategy.
        strategy: its label.
        baselines: with which every source is compared, beside the effects of the chain.
    """
    effects = effects_of(values.sources, baselines)
    names = [(source, "") for source in values.sources] + [(e.name, e.formula) for e in effects]
    combine = np.vstack([np.eye(len(values.sources)), *(effect.coefficients for effect in effects)])
    groups, across = _strata(values)
    crossing = values.crossing(np.stack(list(groups.values()), axis=1))
    has_formula = np.array([bool(formula) for _, formula in names])
    rows = []
    for key in values.values:
        if key[1] == HALF:
            continue
        found = _estimates(crossing, values, key, across, combine)
        low, high = found.interval()
        p_values = np.where(has_formula, found.p_values, np.nan)
        numbers = np.stack([found.estimate, low, high, p_values], axis=-1).tolist()
        rows += [
            Estimate(strategy, name, formula, *key, stratum, *row)
            for stratum, part in zip(across, numbers, strict=True)
            for (name, formula), row in zip(names, part, strict=True)
        ]
    return rows + _ece(values, strategy)


def _estimates(
    crossing: Crossing,
    values: Values,
    key: Key,
    across: Mapping[str, np.ndarray],
    combine: np.ndarray,
) -> Effects:
    """Levels and effects in each combination of strata: all examples, the first, by values of their own."""
    rows = np.stack(list(across.values()))

    def of(key: Key, some: np.ndarray) -> Effects:
        return crossing.effects(values.values[key].T, some, combine, values.judged(key))

    if (within := values.within(key)) == key:
        return of(key, rows)
    one, rest = of(key, rows[:1]), of(within, rows[1:])
    return Effects(
        np.concatenate([one.estimate, rest.estimate]),
        np.concatenate([one.se, rest.se]),
        np.minimum(one.df, rest.df),
        one.seeds,
    )


def _ece(values: Values, strategy: str) -> list[Estimate]:
    """ECE of each source as predicted, on all examples of all seeds together."""
    rows, crossing = [], values.crossing()
    for reference in dict.fromkeys(reference for _, reference, _ in values.values if reference != HALF):
        gap, hit = (values.values.get(("raw", reference, metric)) for metric in ("signed_gap", "accuracy"))
        if gap is None or hit is None:
            continue
        confidence, right = torch.from_numpy(gap + hit), torch.from_numpy(hit)
        shares = ECE().contributions(confidence, right).numpy()
        judged = None
        if (by_answer := values.answered.get(("raw", reference, "signed_gap"))) is not None:
            sign = ECE().signs(confidence, right).numpy()[:, values.judges[reference].cell]
            judged = reference, (sign * by_answer).T
        found = crossing.effects(shares.T, judged=judged)
        numbers = np.vstack([found.estimate, *found.interval()]).T.tolist()
        rows += [
            Estimate(strategy, source, "", "raw", reference, "ece", "all", level, low, high, np.nan)
            for source, (level, low, high) in zip(values.sources, numbers, strict=True)
        ]
    return rows


def _strata(values: Values) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Masks by name, and the wanted combinations of their means: each, and what is hard less the rest."""
    groups = {"all": np.ones(len(values.image), dtype=bool), **values.strata}
    contrasts = [(hard, rest, name) for hard, rest, name in CONTRASTS if hard in groups]
    groups |= {rest: ~groups[hard] for hard, rest, _ in contrasts}
    unit = dict(zip(groups, np.eye(len(groups)), strict=True))
    return groups, unit | {name: unit[hard] - unit[rest] for hard, rest, name in contrasts}
