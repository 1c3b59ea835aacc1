import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedsoft.analysis.comparison import same_targets
from fedsoft.analysis.conclusions import Conclusion
from fedsoft.analysis.digest import CellDigest, Digest, digest
from fedsoft.analysis.pairs import Offer, Price, Purchase
from fedsoft.report.answer import answers
from fedsoft.report.level_tables import conclusions_table
from fedsoft.report.purchase_tables import purchase_table
from fedsoft.report.shown import Shown
from fedsoft.report.units_words import units_sentence
from fedsoft.scenarios.by_annotator import ByAnnotator
from fedsoft.study.opened import reopen_study


def shown_with(result: Digest, **changes: object) -> Shown:
    """The tiny study's cell with changes, all its arms better than a constant."""
    cell = result.cells[0]
    beat = [dataclasses.replace(row, estimate=-0.2, high=-0.1) for row in cell.learned]
    return Shown(result, dataclasses.replace(cell, **({"learned": beat} | changes)))


def said(shown: Shown, question: str) -> str:
    (found,) = (one.text for one in answers(shown) if one.question.startswith(question))
    return found


def with_effects(cell: CellDigest, **by_view: tuple[float, float, float]) -> CellDigest:
    """Brier score of human_soft − hard against the label, by view."""
    rows = []
    for row in cell.estimates:
        if (row.formula, row.reference, row.metric, row.stratum) == (
            "human_soft − hard", "label", "brier", "all",
        ) and row.view in by_view:  # fmt: skip
            value, low, high = by_view[row.view]
            row = dataclasses.replace(row, estimate=value, low=low, high=high)
        rows.append(row)
    return dataclasses.replace(cell, estimates=rows)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_part_is_never_more_than_the_whole(result: Digest, sign: int) -> None:
    def bought(raw: float, equal: float) -> str:
        effects = {
            view: (sign * value, *sorted((sign * value - 0.01, sign * value + 0.01)))
            for view, value in (("raw", raw), ("equal_confidence", equal))
        }
        cell = with_effects(result.cells[0], **effects)
        return said(shown_with(result, estimates=cell.estimates), "What does human_soft buy?")

    assert "is left when both" in bought(0.213, 0.2)
    more = bought(0.213, 0.256)
    assert "is left" not in more.partition("To forecast the label")[2]
    assert re.search(
        r", and [+−]0\.256 \[.*?\] when both are made equally confident: as predicted, how sure", more
    )


def lesson(result: Digest, estimate: float, high: float) -> str:
    rows = [
        dataclasses.replace(row, constant=0.75, estimate=estimate, high=high)
        for row in result.cells[0].learned
    ]
    return said(shown_with(result, learned=rows), "Is the model any good?")


def test_not_shown_to_have_learned_is_not_not_learned(result: Digest) -> None:
    assert "has 0.750: it has learned." in lesson(result, -0.2, -0.1)
    assert "has 0.750: it has not learned" in lesson(result, 0.01, 0.02)
    chance = lesson(result, -0.003, 0.02)
    assert "score against the label is 0.747, where a constant forecast, the same for all images," in chance
    assert "has 0.750: it is not shown to have learned, since that may be chance" in chance


def offer(source: str, level: float, votes: float = 0.0) -> Offer:
    return Offer(source, level, level - 0.333, level - 0.32, Price(votes, 1.0), level == 0.333)


def test_what_to_buy_is_what_nothing_is_shown_to_beat(result: Digest) -> None:
    best, simple = offer("votes_k(k=3)", 0.333), offer("hard", 0.338)
    plan = Purchase("label", "label", "brier", 0.005, best, best, [best, simple], True, simple)
    free = {
        name: dataclasses.replace(target, votes_bought=0.0)
        for name, target in result.cells[0].targets.items()
    }
    shown = shown_with(result, purchases=[plan], targets=free)
    text = said(shown, "What to buy?")
    assert text.startswith(
        "To forecast the label: hard, for no votes; nothing is shown to beat it. votes_k(k=3), at the same "
        "price, has the least Brier score, 0.333 against 0.338, but that may be chance"
    )
    verdicts = {row[0].text: row[-1] for row in purchase_table(shown, plan).rows}
    assert verdicts["votes_k(k=3)"].text == "the best"
    assert verdicts["hard"].text == "not shown to be, but not beaten, and simpler"
    assert [cell.strong for cell in verdicts.values()] == [False, True]
    alone = dataclasses.replace(plan, simplest=None)
    text = said(shown_with(result, purchases=[alone], targets=free), "What to buy?")
    assert "has the least Brier score, 0.333, and nothing costs less." in text


def test_what_trains_on_the_baselines_targets_is_no_way_of_its_own(run_tiny: Callable[..., Path]) -> None:
    sources = ["hard", "human_soft", {"name": "smoothing", "rate": 0.0}]
    rivals = [{"source": "hard", "training": {"weight_decay": 0.1}}]
    folder = run_tiny(sources=sources, rivals=rivals, strategies=["fedavg"])
    found = digest(reopen_study(folder))
    shown = shown_with(found, learned=[
        dataclasses.replace(row, estimate=-0.2, high=-0.1) for row in found.cells[0].learned
    ])  # fmt: skip
    zero, decay = "smoothing(rate=0.0)", "hard + weight_decay=0.1"
    assert shown.cell.doses["all"][0, 2] == shown.cell.doses["all"][0, 3] == 0
    assert shown.same_targets(zero, "hard")
    assert not shown.same_targets(decay, "hard")  # which trains otherwise
    text = said(shown, "What takes few votes, or none?")
    assert decay in text
    assert zero not in text
    assert "ways without votes" not in text  # there is but one
    assert not same_targets(shown.arms, np.full((4, 4), np.nan), zero, "hard")


def test_confidence_in_points_stays_where_it_can_be(result: Digest) -> None:
    rows = [
        dataclasses.replace(row, estimate=0.3, low=-1.7, high=2.3) if row.metric == "signed_gap" else row
        for row in result.cells[0].estimates
    ]
    text = said(shown_with(result, estimates=rows), "Is the model any good?")
    assert "(−100.0 to 100.0 points)" in text


def undecided(result: Digest, smallest: float) -> Digest:
    found = Conclusion({}, 0.02, -0.3, 0.34, "undecided at this size", None, smallest, 2, {})
    return dataclasses.replace(result, conclusions=[found])


def test_what_could_have_been_seen_is_a_difference_that_there_can_be(result: Digest) -> None:
    def text(smallest: float) -> str:
        there = undecided(result, smallest)
        return said(Shown(there, there.cells[0]), "What cannot be said?")

    rows = [conclusions_table(undecided(result, smallest)).rows[0] for smallest in (1.9, 9.085)]
    assert [row[-1].text for row in rows] == ["1.900", "none"]
    assert "study would have seen 1.900; to see 0.020 takes" in text(1.9)
    assert "study would have seen none, however large; to see 0.020 takes" in text(9.085)


def test_where_intervals_count_sets_of_people_more_of_these_are_advised(result: Digest) -> None:
    def over(partition: ByAnnotator, seeds: tuple[int, ...]) -> tuple[str, str]:
        study = result.opened.plan.study
        scenario = study.scenario.model_copy(update={"partition": partition})
        study = study.model_copy(update={"scenario": scenario, "seeds": seeds})
        cells = [dataclasses.replace(cell, study=study) for cell in result.opened.plan.cells]
        plan = dataclasses.replace(result.opened.plan, study=study, cells=cells)
        there = dataclasses.replace(
            undecided(result, 0.04), opened=dataclasses.replace(result.opened, plan=plan)
        )
        shown = Shown(there, dataclasses.replace(there.cells[0], study=study))
        return said(shown, "What cannot be said?"), units_sentence(there)

    sets = ByAnnotator(people=1, sets=3)
    text, units = over(sets, tuple(range(8)))  # many seeds, but of three sets
    assert "3 sets of people make wide intervals; 10 would do better (`sets` of the partition," in text
    assert "4 times as much data or as many sets of people." in text
    assert "Intervals are over images and sets of people;" in units
    assert "With one set of people, nothing can be said of other people" in over(sets, (0, 3))[0]
    assert "wide intervals" not in over(ByAnnotator(people=1, sets=5), tuple(range(5)))[0]
    text, units = over(ByAnnotator(people=1), (0, 1))
    assert "2 seeds make wide intervals; 10 would do better." in text
    assert "4 times as much data or as many seeds." in text
    assert "Intervals are over images and seeds;" in units
