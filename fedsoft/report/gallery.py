"""The figures that a page shows, each with its title and caption, drawn when they are wanted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from matplotlib.figure import Figure

from fedsoft.analysis.digest import Digest
from fedsoft.annotators.spread import ENOUGH
from fedsoft.config import Endpoint
from fedsoft.plural import plural
from fedsoft.report import figures
from fedsoft.report.shown import Shown, axes_name, in_detail, people_are_simulated
from fedsoft.report.words import METRICS, reference_name


@dataclass(frozen=True)
class Plate:
    """A figure as it hangs on the page.

    Attributes:
        draw: makes it; None where the results do not give it.
        where: the cell of the grid, in words.
        folded: whether a reader must open it.
    """

    title: str
    caption: str
    draw: Callable[[], Figure | None]
    where: str = ""
    folded: bool = False

    @property
    def name(self) -> str:
        """What tells it from the page's other figures."""
        return f"{self.title} {self.where}".strip()


def all_plates(result: Digest) -> list[Plate]:
    """Every figure of the page."""
    found = list(grid_plates(result))
    for shown in in_detail(result):
        found += [*plates(shown), *filter(None, [map_plate(shown)])]
    return [*found, *filter(None, [ranks_plate(result), people_plate(result)])]


def plates(shown: Shown) -> Iterator[Plate]:
    """All figures of a cell that its results allow, in the order of the page."""
    crowd, votes = shown.crowd_name, "vote" in shown.references
    where = axes_name(shown.cell.axes)
    yield Plate(
        "Who held what",
        "Clients of the first finished seed by party, the best annotation on top; those without a source of "
        "their own as in the runs of the source that is named. Dots: of the answers that a client trains on, "
        "or of its labels where it buys none, the share that is the dataset's label, which no client knows."
        + f" Diamonds: the share that is the majority of all votes ({crowd})."
        * votes,
        partial(figures.holdings, shown),
        where,
    )
    right = f" Against a vote, “right” is the share of the {crowd} who chose the predicted class."
    yield Plate(
        f"Reliability, {shown.primary}",
        "Predictions pooled over folds, ten bins of equal width; bins with fewer than five examples are left "
        "out. Above the diagonal: underconfident. Bars: where 95 % of a calibrated model's bins would fall."
        + right
        * votes,
        partial(figures.reliability, shown),
        where,
    )
    by_stratum = " by stratum" * (len(shown.strata_of_votes) > 1)
    yield Plate(
        f"Signed gap{by_stratum}, {shown.primary}",
        "Mean confidence − share right, with 95 % intervals. Hollow: as predicted; filled: every source "
        "tempered to the same mean confidence."
        + f" Strata by the entropy of the votes ({crowd})."
        * bool(by_stratum),
        partial(figures.gaps, shown),
        where,
    )
    for strategy in shown.strategies:
        yield Plate(
            f"Convergence, {strategy}",
            "Against the label; the first rounds may leave the picture. ◆: the round whose NLL, averaged "
            "over seeds, is least; beside it, what single seeds would choose.",
            partial(figures.convergence, shown, strategy),
            where,
            folded=strategy != shown.primary,
        )
    if shown.effects:
        yield Plate(
            f"Effects, {shown.primary}",
            f"Measured against {reference_name(shown.reference, crowd)}; 95 % intervals, not adjusted for "
            "their number. Of the rows, the study's own comparison is the first, in colour.",
            partial(figures.forest, shown, shown.reference),
            where,
        )
    yield Plate(
        "Softness of the targets",
        "Means over training examples and seeds; doses in the first finished seed. Rivals that train on a "
        "source's own targets are left out." + f" Votes: {crowd}." * votes,
        partial(figures.softness, shown),
        where,
    )


def map_plate(shown: Shown) -> Plate | None:
    """The map of the training examples, where they were followed."""
    atlas = shown.cell.atlas
    if atlas is None or not shown.strategies:
        return None
    return Plate(
        "Cartography",
        f"Training examples of the first finished seed under {shown.primary}. Colours: mean entropy of the "
        f"{atlas.votes} votes ({shown.crowd_name}) on the examples of a hexagon.",
        partial(figures.cartography, shown, atlas),
        axes_name(shown.cell.axes),
    )


def ranks_plate(result: Digest) -> Plate | None:
    """Mean ranks of the strategies, where there are several."""
    found = result.strategies
    if found is None:
        return None
    data = plural(found.data_sets, "data set")
    return Plate(
        "Ranks of the strategies",
        f"Mean ranks over cells, sources and seeds by {METRICS[found.measures[0].metric]}. CD: the "
        f"difference of mean ranks that chance reaches once in twenty times (Nemenyi), with N = {data}; "
        "cells on the same data are none of their own. The intervals above say more.",
        partial(figures.ranks, found),
    )


def people_plate(result: Digest) -> Plate | None:
    """What people differ in, where it is known who gave which answer, and some gave many."""
    crowd = result.people
    if crowd is None or crowd.differences is None:
        return None
    who = "Simulated annotators" if people_are_simulated(result) else "People"
    return Plate(
        "What people differ in",
        f"{who} with {ENOUGH} answers or more, a dot each. Grey: where the middle 80 % would lie were they "
        "alike, each with the items that they saw (every item's answers dealt anew among those who answered "
        "it). Bars: where the middle 80 % lie. Blue: who stands out beyond chance, adjusted for all of them.",
        partial(figures.people, crowd),
    )


def grid_plates(result: Digest) -> Iterator[Plate]:
    """The figures of a whole grid that its axes allow."""
    endpoint = result.opened.plan.study.endpoint or Endpoint()
    if result.frontier:
        yield Plate(
            "What privacy takes away",
            "All test examples, means over seeds. Dashed: the source in the clear, smoothed as strongly as "
            "the noise of privacy: a control. At equal confidence: all as confident on average as the "
            "baseline under the same ε.",
            partial(figures.frontier, result),
        )
    yield Plate(
        "Levels along the grid",
        "Against the label, as predicted, all test examples. Bars: 95 % intervals.",
        partial(figures.grid, result),
    )
    yield Plate(
        "Where each source helps and where it hurts",
        f"Thousandths of {METRICS[endpoint.metric]}, each source − {endpoint.baseline}, against "
        f"{reference_name(endpoint.reference, result.crowd)} (stratum: {endpoint.stratum}); violet: "
        "below zero. Bold: the 95 % interval excludes zero. A thick line parts the cells in which the "
        "source is above zero beyond its interval.",
        partial(figures.maps, result),
    )
    yield Plate(
        "Length of training",
        "Validation examples, against the label, as predicted, means over seeds. Below zero: better "
        f"than {endpoint.baseline} after as many rounds.",
        partial(figures.lengths, result),
    )
