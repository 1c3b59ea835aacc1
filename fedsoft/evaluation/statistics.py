"""Effects with intervals where images are crossed with seeds, and with people where these are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import stdtr, stdtrit

from fedsoft.errors import DataError
from fedsoft.evaluation.judges import Judges, PeopleTerms


@dataclass(frozen=True)
class Effects:
    """Estimates of effects with what their intervals need.

    Attributes:
        estimate: (...) effects; NaN where a stratum is empty.
        se: (...) standard errors.
        df: degrees of freedom of Student's t, of all or (...) of each: see `Crossing.effects`.
        seeds: number of seeds, or of sets of people that seeds share; with one (``images_only``) nothing is
            known of other seeds.
    """

    estimate: np.ndarray
    se: np.ndarray
    df: float | np.ndarray
    seeds: int

    @property
    def images_only(self) -> bool:
        """Whether the intervals speak of other images but not of other seeds, for want of a second one."""
        return self.seeds == 1

    @property
    def p_values(self) -> np.ndarray:
        """(...) two-sided p values of no effect."""
        sure = np.where(np.isnan(self.estimate), np.nan, np.where(self.estimate == 0, 0.0, np.inf))
        ratio = np.divide(np.abs(self.estimate), self.se, out=sure, where=self.se > 0)
        return 2 * stdtr(self.df, -ratio)

    def flat(self) -> Self:
        """The same effects in one row."""
        df = self.df.ravel() if isinstance(self.df, np.ndarray) else self.df
        return type(self)(self.estimate.ravel(), self.se.ravel(), df, self.seeds)

    def part(self, places: Sequence[int]) -> Self:
        """Some of the effects of one row."""
        df = self.df[..., list(places)] if isinstance(self.df, np.ndarray) else self.df
        return type(self)(self.estimate[list(places)], self.se[list(places)], df, self.seeds)

    @classmethod
    def joined(cls, rows: Sequence[Self]) -> Self:
        """Several rows as one family, with the fewest seeds of any."""
        return cls(
            np.concatenate([one.estimate for one in rows]),
            np.concatenate([one.se for one in rows]),
            np.concatenate([np.broadcast_to(one.df, one.estimate.shape) for one in rows]),
            min(one.seeds for one in rows),
        )

    def one_sided(self, margin: float) -> tuple[np.ndarray, np.ndarray]:
        """(...) p values of an effect of at least ``margin``, and of at most minus it."""
        away = np.stack([self.estimate - margin, -self.estimate - margin])
        sure = np.where(np.isnan(away), np.nan, np.where(away < 0, -np.inf, np.inf))
        below, above = stdtr(self.df, np.divide(away, self.se, out=sure, where=self.se > 0))
        return below, above

    def equivalence(self, margin: float) -> np.ndarray:
        """(...) p values of an effect of ``margin`` or more, either way: intervals at these levels just
        touch it.

        Two one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657), doubled to the two-sided
        level of the intervals.
        """
        return 2 * np.maximum(*self.one_sided(margin))

    def interval(self, level: float | np.ndarray = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """Ends (...), (...) of intervals that miss the truth with probability ``level``, one or (...)."""
        reach = -stdtrit(self.df, np.asarray(level) / 2) * self.se
        return self.estimate - reach, self.estimate + reach


def crossed_effects(
    values: np.ndarray,
    image: np.ndarray,
    seed: np.ndarray,
    groups: np.ndarray | None = None,
    across: np.ndarray | None = None,
    combine: np.ndarray | None = None,
) -> Effects:
    """The effects of one table of values: see `Crossing.effects`."""
    return Crossing(image, seed, groups).effects(values, across, combine)


class Crossing:
    """Cells (image, seed) and groups of them, in an order that serves many tables of values.

    Args:
        image: (cells,) image of each cell.
        seed: (cells,) seed of each cell.
        groups: (cells, G) masks, such as strata, each of which makes a mean of its own; None is one group of
            all cells.
        sets: (cells,) number of the set of people that the cell's seed trains on, where seeds have such
            sets; these are then independent of each other, and seeds are not. See `Crossing.effects`.
        judges: by name, known people whose answers make up a vote.

    Raises:
        DataError: there is no cell.
    """

    def __init__(
        self,
        image: np.ndarray,
        seed: np.ndarray,
        groups: np.ndarray | None = None,
        sets: np.ndarray | None = None,
        judges: Mapping[str, Judges] | None = None,
    ) -> None:
        if len(image) == 0:
            raise DataError("no predictions to compare: the two sources share no image and seed; run both.")
        masks = np.ones((len(image), 1), dtype=bool) if groups is None else np.asarray(groups, dtype=bool)
        # Cells in the same groups are of one kind: whatever groups are combined, they count alike.
        kinds, kind, size = np.unique(masks, axis=0, return_inverse=True, return_counts=True)
        self.kinds, self.size = kinds.astype(float), size  # (K, G), (K,)
        self.of_kind = np.argsort(kind, kind="stable")
        image, apart = np.asarray(image), np.asarray(seed if sets is None else sets)
        cell = np.arange(len(kind))
        if sets is not None:  # seeds of one set may hold out the same image
            cell = np.unique(image, return_inverse=True)[1] * (int(apart.max()) + 1) + apart
        self.cells = _Clusters(cell, kind, len(kinds))
        self.images = _Clusters(image, kind, len(kinds))
        self.seeds = _Clusters(apart, kind, len(kinds))
        self.people = {
            name: PeopleTerms(some, image, apart, kind, len(kinds)) for name, some in (judges or {}).items()
        }

    def effects(
        self,
        values: np.ndarray,
        across: np.ndarray | None = None,
        combine: np.ndarray | None = None,
        judged: tuple[str, np.ndarray] | None = None,
    ) -> Effects:
        """Effects as means over cells, with standard errors for images, seeds and known people at once.

        Images and seeds are crossed, so the variance is that of two-way clustering, V_seed + V_image -
        V_cell, each V from the sums of the cells' influences over its G units, times G / (G - 1), and never
        below the larger of the first two (Cameron, Gelbach, Miller 2011, JBES 29:238). It is what resampling
        images, seeds and cells each for themselves converges to; resampling images and seeds at once would
        count the cells' own noise three times (Owen 2007, arXiv:0711.2416). Not every image need be met by
        every seed, and a stratum may differ in size from seed to seed: means are ratios, linearised.

        The intervals speak of other images and other seeds on the same training data. What training examples
        and their votes are like by accident is shared by all seeds and is in no standard error.

        People who judge are a third unit where their answers are given: see `PeopleTerms`. Each image weighs
        the same as without, so estimates are unchanged; what people add is never below zero, and the whole
        never below the variance of people alone.

        People who train are one where seeds are of disjoint sets of them. Let a seed's effect be
        μ + β_set + ε_seed, where β_set is what the set's people are like by accident. People are dealt into
        G sets at random, so sets are independent draws of m people each, and the mean over seeds has
        variance Var(β) / G + Var(ε) / seeds, which is just what clustering by set instead of by seed
        estimates, with G - 1 degrees of freedom. Where seeds draw m of the same R people anew instead, seeds
        share people and their spread has only the part 1 - m / R of Var(β), diluted by Var(ε): to undo that
        multiplies seeds' own noise too; leaving out one group of G multiplies it by (G - 1)².

        Student's t has one degree of freedom less than there are seeds, or sets, or people who judge, these
        as many as they are in effect (`Judges.effective`), whichever are fewest (Cameron, Gelbach, Miller
        2011): it is exact where that unit's chance is all there is, and wider than need be elsewhere.
        Degrees that are weighed by the parts' estimated variances (Satterthwaite) would be more just where a
        part is small, and be least where it is underestimated.

        Args:
            values: (cells, J) values, such as the sources' losses.
            across: (R, G) rows that combine groups, such as 1 and -1 for the gap in the hardest fifth less
                that in the rest; None takes each group.
            combine: (Q, J) rows that combine columns, such as 1 and -1 for one source less another; None
                takes each column.
            judged: which of the judges' answers the values are means of, and the values (P, J) of each pair
                of a cell and an answer; None where no people are known, or values are of no answers.

        Returns:
            Effects of shape (R, Q).
        """
        values = np.asarray(values, dtype=float)
        wanted = values if combine is None else values @ combine.T
        across = np.eye(self.kinds.shape[1]) if across is None else np.asarray(across, dtype=float)
        starts = np.cumsum(self.size) - self.size
        sums = np.add.reduceat(wanted[self.of_kind], starts)  # (K, Q)
        total = self.size @ self.kinds
        share = np.divide(self.kinds, total, out=np.zeros_like(self.kinds), where=total > 0)
        means = np.where(total > 0, 1.0, np.nan)[:, None] * (share.T @ sums)
        weight = across @ share.T  # (R, K) of the values of each kind in each combination of means
        centre = np.einsum("rg,kg,gq->rkq", across, share, np.nan_to_num(means))
        images = self.images.variance(wanted, weight, centre)
        seeds = self.seeds.variance(wanted, weight, centre)
        cells = self.cells.variance(wanted, weight, centre)
        count = self.seeds.count
        both = np.maximum(images + seeds - cells, np.maximum(images, seeds))
        found, df = images if count == 1 else both, count - 1 if count > 1 else np.inf
        if judged is not None:
            name, answers = judged
            answers = answers if combine is None else answers @ combine.T
            added, people = self.people[name].variances(answers, weight, centre, count == 1)
            found = np.maximum(found + np.maximum(added, 0), people)
            df = min(df, max(self.people[name].judges.effective - 1, 1.0))
        estimate = np.stack([row[row != 0] @ means[row != 0] for row in across])
        return Effects(estimate, np.sqrt(np.where(np.isnan(estimate), np.nan, found)), df, count)


class _Clusters:
    """Clusters of cells, with those together that have equally many cells of each kind."""

    def __init__(self, cluster: np.ndarray, kind: np.ndarray, kinds: int) -> None:
        order = np.lexsort((kind, cluster))
        _, starts, place = np.unique(cluster[order], return_index=True, return_inverse=True)
        made_of = np.zeros((len(starts), kinds), dtype=np.int64)
        np.add.at(made_of, (place, kind[order]), 1)
        makeups, which = np.unique(made_of, axis=0, return_inverse=True)
        self.count = len(starts)
        self.alike = [
            (made, order[starts[which == number][:, None] + np.arange(made.sum())])
            for number, made in enumerate(makeups)
        ]  # how many cells of each kind (K,), and the cells (clusters, cells), kind by kind

    def variance(self, wanted: np.ndarray, weight: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Variance (R, Q) of a sum of influences whose clusters are independent.

        The influence of a cell of kind k is ``weight[:, k] * wanted[cell] - centre[:, k]``. Of clusters that
        are alike, the mean and the spread of their sums over each kind say all, whatever the weights.

        Args:
            wanted: (cells, Q) values.
            weight: (R, K).
            centre: (R, K, Q).
        """
        total = np.zeros((len(weight), wanted.shape[1]))
        for made, cells in self.alike:
            used = np.flatnonzero(made)
            parts = np.split(wanted[cells], np.cumsum(made[used])[:-1], axis=1)
            sums = np.stack([part.sum(axis=1) for part in parts])  # (kinds used, clusters, Q)
            mean = sums.mean(axis=1)
            apart = sums - mean[:, None]
            own = weight[:, used]
            shift = own @ mean - np.einsum("k,rkq->rq", made[used], centre[:, used])
            total += len(cells) * shift**2
            if len(cells) > 1:
                spread = np.einsum("anq,bnq->abq", apart, apart)
                total += np.einsum("ra,rb,abq->rq", own, own, spread)
        return np.maximum(total, 0) * self.count / max(self.count - 1, 1)
