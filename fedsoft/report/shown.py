"""What the report shows of one cell of the grid: its digest, indexed by what one looks for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fedsoft.analysis.comparison import same_targets
from fedsoft.analysis.conclusions import Conclusion
from fedsoft.analysis.digest import CellDigest, Digest
from fedsoft.analysis.effects import difference
from fedsoft.analysis.estimates import CONTRAST, HARDEST, Estimate
from fedsoft.analysis.pairs import Pair
from fedsoft.config import Arm, Study
from fedsoft.datasets import AnnotatedDataset
from fedsoft.registry import Options
from fedsoft.report.colours import colours_of
from fedsoft.report.glosses import gloss
from fedsoft.study.data import load_dataset
from fedsoft.study.dealing import deal_data, strangers_sentence
from fedsoft.study.plan import labels

FEW = 3
"""A study with more cells than this has the details of its last cell only."""


@dataclass(frozen=True)
class Shown:
    """One cell of a study.

    Attributes:
        digest: the whole study.
        cell: the cell.
    """

    digest: Digest
    cell: CellDigest

    @property
    def study(self) -> Study:
        """The cell's study."""
        return self.cell.study

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """The study's sources and rivals by label, in its order."""
        return {arm.label(): arm for arm in self.study.arms}

    @property
    def sources(self) -> list[str]:
        """Labels of the study's sources and rivals, in its order."""
        return list(self.arms)

    @cached_property
    def _data(self) -> AnnotatedDataset:
        return load_dataset(self.study.dataset)

    @property
    def noun(self) -> str:
        """What examples are called, in the plural."""
        return self._data.noun

    @property
    def crowd_name(self) -> str:
        """What to call the people behind the votes of the cell's data."""
        return self._data.crowd_name

    @property
    def votes_each(self) -> float:
        """Votes that an example has, on average; NaN without votes."""
        return (
            math.nan
            if self._data.votes is None
            else float(self._data.votes[self._data.voted].sum(axis=1).mean())
        )

    @property
    def labels_are_majority(self) -> bool:
        """Whether the labels are the votes' own mode."""
        return self._data.labels_are_majority

    @property
    def strangers(self) -> str | None:
        """How many test examples are of groups that no client holds, in a sentence; None for none."""
        cells = self.digest.opened.plan.cells
        run = next(cell.runs[0] for cell in cells if cell.axes == self.cell.axes)
        return strangers_sentence(deal_data(run, self._data), self._data)

    def gloss(self, source: str) -> str:
        """What a source is, in a few words."""
        return gloss(self.arms[source])

    def borrows(self, source: str) -> bool:
        """Whether a source takes one rate from people instead of votes on examples."""
        chosen = self.arms[source].source
        return chosen is not None and chosen.borrows_rate

    def is_free(self, arm: Arm) -> bool:
        """Whether an arm can be had without votes on examples."""
        if arm.source is not None and arm.source.in_the_clear:
            return False
        return arm.source is None or not arm.source.needs_votes or arm.source.borrows_rate

    def same_targets(self, one: str, other: str) -> bool:
        """Whether two arms train in the same way on the same targets."""
        return same_targets(self.arms, self.cell.doses["all"], one, other)

    def against(self, reference: str) -> str:
        """A reference in words, to stand after "against"."""
        return reference_name(reference, self.crowd_name)

    def difference(
        self, source: str, baseline: str, view: str, reference: str, metric: str, stratum: str = "all"
    ) -> Estimate | None:
        """The effect of one source less another, whatever its name."""
        name = self._by_formula.get(difference(source, baseline))
        return self.estimate(name, view, reference, metric, stratum) if name else None

    @cached_property
    def _by_formula(self) -> dict[str, str]:
        return {formula: name for name, formula in self.effects.items()}

    def pair(self, source: str, other: str, view: str, reference: str, metric: str) -> Pair | None:
        """One arm less another, whichever way it was compared."""
        wanted = view, reference, metric
        for row in self.cell.pairs:
            if (row.view, row.reference, row.metric) == wanted and {row.source, row.other} == {source, other}:
                return row if row.source == source else row.turned()
        return None

    @cached_property
    def strategies(self) -> list[str]:
        """Labels of the strategies that have results."""
        found = {row.strategy for row in self.cell.estimates}
        return [name for name in labels(self.digest.opened.plan.study.strategies) if name in found]

    @cached_property
    def primary(self) -> str:
        """The endpoint's strategy; without an endpoint, or without its results, the first that has any."""
        endpoint = self.digest.opened.plan.study.endpoint
        wanted = endpoint.strategy if endpoint else ""
        return wanted if wanted in self.strategies or not self.strategies else self.strategies[0]

    @property
    def reference(self) -> str:
        """What effects are measured against: as the endpoint says, else the label."""
        return self.study.reference

    @property
    def conclusion(self) -> Conclusion | None:
        """The verdict on the endpoint in this cell."""
        return next((one for one in self.digest.conclusions if one.axes == self.cell.axes), None)

    @property
    def compared(self) -> tuple[str, str]:
        """The source on trial and its baseline."""
        return self.study.pair

    @cached_property
    def colours(self) -> dict[str, str]:
        """The colour of each source, the same in every figure and table: only the compared pair has one."""
        return colours_of(self.sources, *self.compared)

    @cached_property
    def compared_first(self) -> list[str]:
        """All sources, the baseline and the source on trial before the others."""
        pair = [source for source in reversed(self.compared) if source in self.sources]
        return list(dict.fromkeys([*pair, *self.sources]))

    @cached_property
    def references(self) -> list[str]:
        """What predictions are compared with: the label and, where there are votes, the mode and a vote."""
        return list(dict.fromkeys(row.reference for row in self.cell.estimates))

    @cached_property
    def strata(self) -> list[str]:
        """The strata there are, `all` first."""
        return list(dict.fromkeys(row.stratum for row in self.cell.estimates))

    @property
    def strata_of_votes(self) -> list[str]:
        """All examples, and the strata by votes that there are, with the headline contrast."""
        return [one for one in ("all", "unanimous", "middle", HARDEST, CONTRAST) if one in self.strata]

    @cached_property
    def effects(self) -> dict[str, str]:
        """The effects there are, by name, each with its formula."""
        return {row.name: row.formula for row in self.cell.estimates if row.formula}

    @property
    def crowd(self) -> str:
        """Words for the people behind the votes, to stand after "against"."""
        return f"a vote ({self.crowd_name})"

    def estimate(
        self, name: str, view: str, reference: str, metric: str, stratum: str, strategy: str | None = None
    ) -> Estimate | None:
        """A level (by its source's label) or an effect; by default under the primary strategy."""
        return self._index.get((strategy or self.primary, name, view, reference, metric, stratum))

    def score(self, source: str, metric: str, reference: str, stratum: str = "all") -> float:
        """A score of the predictions pooled over folds, under the primary strategy; NaN if there is none."""
        found = self._scores.get((source, stratum, reference, metric))
        return math.nan if found is None else found

    @cached_property
    def _index(self) -> dict[tuple[str, ...], Estimate]:
        return {
            (row.strategy, row.name, row.view, row.reference, row.metric, row.stratum): row
            for row in self.cell.estimates
        }

    @cached_property
    def _scores(self) -> dict[tuple[str, ...], float]:
        return {
            (source, score.stratum, score.reference, score.metric): float(score.value)
            for source in self.sources
            for score in self.cell.pooled.get((self.primary, source), [])
        }


def reference_name(reference: str, crowd: str) -> str:
    """Against whom something is measured; people are always called what they are."""
    return {
        "label": "the label",
        "mode": f"the mode of the {_people(crowd)}",
        "vote": f"a vote of the {_people(crowd)}",
    }[reference]


def crowd_at(result: Digest, axes: dict[str, Any]) -> str:
    """What to call the people behind the votes in the cell that has these values."""
    cells = (cell.study for cell in result.opened.plan.cells if cell.axes == axes)
    return next((load_dataset(study.dataset).crowd_name for study in cells), result.crowd)


def people_are_simulated(result: Digest) -> bool:
    """Whether the people that are told of singly are simulated."""
    return load_dataset(result.opened.plan.study.dataset).crowd == "simulated"


def _people(crowd: str) -> str:
    return "people" if crowd == "human votes" else crowd


def with_results(result: Digest) -> list[Shown]:
    """The cells of a study that have results."""
    return [shown for cell in result.cells if (shown := Shown(result, cell)).strategies]


def in_detail(result: Digest) -> list[Shown]:
    """The cells that are shown with all their tables and figures."""
    cells = with_results(result)
    return cells if len(cells) <= FEW else cells[-1:]


def axes_name(axes: dict[str, Any]) -> str:
    """A cell of the grid in words, such as ``privacy.epsilon = 1, privacy.unit = vote``."""
    return ", ".join(AXES.get(key, _axis)(key, value) for key, value in axes.items())


def _axis(key: str, value: Any) -> str:
    return f"{key} = {value_name(value)}"


def _clients(key: str, value: Any) -> str:
    return f"{value} clients" if value != 1 else "all data pooled (1 client)"


AXES: dict[str, Callable[[str, Any], str]] = {"scenario.clients": _clients}
"""Axes whose values have words of their own."""


def value_name(value: Any) -> str:
    """A setting's value in words, such as a choice with its options."""
    if isinstance(value, dict):
        options = ", ".join(f"{key}={value_name(option)}" for key, option in value.items() if key != "name")
        return f"{value.get('name', '')}({options})" if options else str(value.get("name", "none"))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(value_name, value))}]"
    return "∞" if value == math.inf else str(value)


def choice_name(choice: Options) -> str:
    """A choice with all its options, those at their default too."""
    return value_name({key: value for key, value in choice.dump().items() if value is not None})
