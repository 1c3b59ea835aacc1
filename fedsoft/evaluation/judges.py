"""Known people who judge: whose answers predictions are compared with, and what chance they bring."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Judges:
    """Who gave the answers that make up a vote on each cell, a tested image in a seed.

    All who gave an image the same answer make the same loss of it. So values stand by *pair*: a cell and an
    answer that somebody gave there. Each cell counts once, and each of its answers an equal part of that:
    weighted by ``share``, the values of a cell's pairs sum to the cell's own.

    Attributes:
        cell: (P,) cell of each pair, ascending.
        answer: (P,) number of each pair's image and class, the same in all seeds.
        label: (P,) its class.
        share: (P,) the share of the cell's answers that are this one, above 0 and at most 1.
        pair: (A,) pair of each single answer.
        person: (A,) who gave it.
    """

    cell: np.ndarray
    answer: np.ndarray
    label: np.ndarray
    share: np.ndarray
    pair: np.ndarray
    person: np.ndarray

    @classmethod
    def of(
        cls, rows: np.ndarray, item: np.ndarray, label: np.ndarray, person: np.ndarray, classes: int
    ) -> Self:
        """The judges of some cells.

        Args:
            rows: (cells,) image of each cell, with one answer or more.
            item: (B,) image of each answer.
            label: (B,) class that it names, below ``classes``.
            person: (B,) who gave it; nobody twice on an image.
            classes: C.
        """
        named = item * classes + label
        order = np.argsort(named, kind="stable")
        answers, first, times = np.unique(named[order], return_index=True, return_counts=True)
        start = np.searchsorted(answers, rows * classes)
        found = np.searchsorted(answers, (rows + 1) * classes) - start
        at = _ranges(start, found)
        cell = np.repeat(np.arange(len(rows)), found)
        total = np.bincount(cell, times[at], len(rows))
        return cls(
            cell,
            at,
            answers[at] % classes,
            times[at] / total[cell],
            np.repeat(np.arange(len(at)), times[at]),
            person[order[_ranges(first[at], times[at])]],
        )

    @cached_property
    def each(self) -> np.ndarray:
        """(P,) the part of its cell that a single answer is."""
        found: np.ndarray = self.share / np.bincount(self.pair, minlength=len(self.share))
        return found

    @cached_property
    def effective(self) -> float:
        """How many people who judge equally much would be as many: (Σ n)² / Σ n², n being what each judges.

        Where few people judge most, they are what a variance between people rests on (Carter, Schnepel,
        Steigerwald 2017, Review of Economics and Statistics 99:698).
        """
        part = np.bincount(self.person, self.each[self.pair])
        return float(part.sum() ** 2 / (part**2).sum())


class PeopleTerms:
    """What people add to the variance of means over images crossed with seeds.

    The cells are then of image, seed and person, and three-way clustering (Cameron, Gelbach, Miller 2011,
    JBES 29:238, section 2.3) adds V_person − V_(image, person) − V_(seed, person) + V_(image, seed, person)
    to the two-way V_image + V_seed − V_(image, seed): a pair of answers counts where they share an image, a
    seed or a person, and counts once.

    Args:
        judges: who judges.
        image: (cells,) what is independent among images.
        seed: (cells,) what is independent among seeds.
        kind: (cells,) kind of each cell, below ``kinds``.
        kinds: K.
    """

    def __init__(
        self, judges: Judges, image: np.ndarray, seed: np.ndarray, kind: np.ndarray, kinds: int
    ) -> None:
        self.judges, self.kinds = judges, kinds
        self.kind = kind[judges.cell]
        _, image = np.unique(image, return_inverse=True)
        names, seed = np.unique(seed, return_inverse=True)
        people, person = np.unique(judges.person, return_inverse=True)
        self.of_pair, seeds, single = seed[judges.cell], len(names), np.arange(len(judges.pair))
        every = judges.pair  # the pairs of all single answers
        seed_of, image_of = self.of_pair[every], image[judges.cell][every]
        by_image = image_of * len(people) + person
        # Where a person gives one answer within an image, all who gave the same one are alike there.
        alike = judges.answer[every] * len(people) + person
        if len(np.unique(by_image)) == len(np.unique(alike)):
            which, single, times = judges.answer, np.arange(len(judges.cell)), np.bincount(every)
        else:
            which, single, times = by_image, every, np.ones(len(every), dtype=int)
        self.people = self._sums(person, every)
        self.with_seed = self._sums(person * seeds + seed_of, every)
        self.with_image = self._sums(which, single, times)
        self.with_both = self._sums(which * seeds + self.of_pair[single], single, times)

    def _sums(self, cluster: np.ndarray, pair: np.ndarray, times: np.ndarray | None = None) -> "_Sums":
        return _Sums(cluster, pair, self.judges.each, self.kind, self.kinds, times)

    def variances(
        self, wanted: np.ndarray, weight: np.ndarray, centre: np.ndarray, one_seed: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """What people add to the variance (R, Q), and the variance (R, Q) of people alone.

        Args:
            wanted: (P, Q) values of pairs, whose influence is ``weight[:, kind] * wanted - centre[:, kind]``.
            weight: (R, K).
            centre: (R, K, Q).
            one_seed: nothing is known of other seeds, so that none of the terms with seeds counts.
        """
        share = self.judges.share
        size = np.bincount(self.kind, share, self.kinds)
        by_kind = csr_array((share, (self.kind, np.arange(len(share)))), (self.kinds, len(share)))
        mean = (by_kind @ wanted) / np.maximum(size, np.finfo(float).tiny)[:, None]  # (K, Q)
        apart, shift = wanted - mean[self.kind], weight[:, :, None] * mean - centre
        people = self.people.variance(apart, weight, shift)
        added = people - self.with_image.variance(apart, weight, shift)
        if not one_seed:
            added += self.with_both.variance(apart, weight, shift)
            added -= self.with_seed.variance(apart, weight, shift)
        return added, people


class _Sums:
    """Sums of the influences of single answers over clusters, some of which are alike."""

    def __init__(
        self,
        cluster: np.ndarray,
        pair: np.ndarray,
        each: np.ndarray,
        kind: np.ndarray,
        kinds: int,
        times: np.ndarray | None,
    ) -> None:
        names, first, place = np.unique(cluster, return_index=True, return_inverse=True)
        alike = np.ones(len(names)) if times is None else times[first].astype(float)
        self.count = float(alike.sum())
        # Few clusters have answers of every kind: only what is there is summed, in parts of clusters.
        parts, part = np.unique(place * kinds + kind[pair], return_inverse=True)
        self.sums = csr_array((each[pair], (part, pair)), (len(parts), len(each)))
        self.size = self.sums.sum(axis=1)
        of, of_kind = np.divmod(parts, kinds)
        begin, number = np.searchsorted(of, of), np.bincount(of)[of]
        self.one, self.other = np.repeat(np.arange(len(parts)), number), _ranges(begin, number)
        both = of_kind[self.one] * kinds + of_kind[self.other]
        self.by_kinds = csr_array((alike[of[self.one]], (both, np.arange(len(both)))), (kinds**2, len(both)))

    def variance(self, apart: np.ndarray, weight: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Variance (R, Q) of a sum of influences whose clusters are independent.

        An influence is ``weight[:, kind] * apart + shift[:, kind]``, so second moments of the sums of
        ``apart`` and of their sizes by two kinds say all, whatever the weights.
        """
        sums, size, kinds = self.sums @ apart, self.size, weight.shape[1]

        def moments(products: np.ndarray) -> np.ndarray:
            found: np.ndarray = (self.by_kinds @ products).reshape(kinds, kinds, *products.shape[1:])
            return found

        of_sums = moments(sums[self.one] * sums[self.other])
        of_both = moments(sums[self.one] * size[self.other, None])
        of_sizes = moments(size[self.one] * size[self.other])
        total = np.einsum("ra,abq,rb->rq", weight, of_sums, weight, optimize=True)
        total += 2 * np.einsum("ra,abq,rbq->rq", weight, of_both, shift, optimize=True)
        total += np.einsum("raq,ab,rbq->rq", shift, of_sizes, shift, optimize=True)
        return np.maximum(total, 0) * self.count / max(self.count - 1, 1)


def _ranges(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The numbers from each start on, so many each, one after another."""
    ends = np.cumsum(length)
    found: np.ndarray = np.arange(ends[-1] if len(ends) else 0) + np.repeat(start - ends + length, length)
    return found
