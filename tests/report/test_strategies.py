"""What the report says of strategies: words first, then differences, ranks, costs and luck."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fedsoft.analysis.contest import Measure
from fedsoft.analysis.digest import Digest
from fedsoft.analysis.strategies import Comparison, Luck, Versus
from fedsoft.evaluation import Share, critical_difference
from fedsoft.report import figures
from fedsoft.report.strategy_tables import cost_table, versus_tables
from fedsoft.report.strategy_words import luck_line, rank_lines, strategy_lead, strategy_notes

BRIER = Measure("raw", "label", "brier", "all")
NAMES = ["fedavg", "fedadam", "krum"]


def comparison(
    verdicts: Sequence[tuple[str, ...]] = (("better", "undecided at this size"),),
    data_sets: int = 1,
    **changes: Any,
) -> Comparison:
    rows = [
        Versus(
            {"alpha": n} if len(verdicts) > 1 else {}, name, BRIER, 0.3, 0.4, -0.1, -0.2, 0.0, word, 0.05 + n
        )
        for n, words in enumerate(verdicts)
        for name, word in zip(NAMES[1:], words, strict=True)
    ]
    made = Comparison(
        source="human_soft", reference="fedavg", strategies=NAMES, needs=["nothing"] * 2 + ["a clean client"],
        rows=rows, ranks=np.array([2.5, 1.0, 2.5]), blocks=8, cells=len(verdicts), data_sets=data_sets,
        critical=critical_difference(3, data_sets), judgements=[], luck=[],
        seconds=np.array([2.0, 4.0, 3.0]), bytes_sent=np.array([1000.0, 1000.0, 3000.0]), seeds=5,
    )  # fmt: skip
    return dataclasses.replace(made, **changes)


def test_the_lead_says_what_is_told_apart_and_what_could_have_been(result: Digest) -> None:
    lead = strategy_lead(result, comparison())
    assert "fedadam (−0.100 [−0.200 to 0.000]) is better" in lead
    assert "1 of 2 comparisons is undecided, where the smallest difference that could have" in lead
    assert "been seen is 0.050" in lead
    none = strategy_lead(result, comparison([("undecided at this size",) * 2]))
    assert none.startswith("Of 2 strategies none is told apart from fedavg on Brier score")
    assert none.endswith("the smallest difference that could have been seen is 0.050.")
    tuned = result.opened.plan.study.model_copy(update={"tuned": "16 Sobol points: trials.csv"})
    plan = dataclasses.replace(result.opened.plan, study=tuned)
    there = dataclasses.replace(result, opened=dataclasses.replace(result.opened, plan=plan))
    assert "from tuned fedavg on" in strategy_lead(there, comparison([("undecided at this size",) * 2]))
    assert "16 Sobol points: trials.csv" in " ".join(strategy_notes(there, comparison()))
    assert "not tuned alike" in " ".join(strategy_notes(result, comparison()))


def test_conditions_are_counted(result: Digest) -> None:
    lead = strategy_lead(result, comparison([("better", "worse"), ("better", "as good")]))
    assert "fedadam (in 2 of 2 conditions) is better" in lead
    assert "krum (in 1 of 2 conditions) is worse" in lead


def test_one_seed_decides_nothing(result: Digest) -> None:
    lead = strategy_lead(result, comparison(seeds=1))
    assert lead.startswith("With one seed nothing is decided")


@pytest.mark.parametrize(
    ("data_sets", "says"),
    [(1, "ranks cannot separate strategies here"), (30, "the best and the last differ by")],
)
def test_ranks_say_what_they_can_separate(data_sets: int, says: str) -> None:
    text = " ".join(rank_lines(comparison([("better",) * 2] * 30, data_sets)))
    assert "fedadam 1.00, fedavg 2.50, krum 2.50" in text
    assert f"N = {data_sets} independent" in text
    assert f"CD = {critical_difference(3, data_sets):.2f}" in text
    assert says in text
    assert ("were the 30 cells" in text) == (data_sets < 30)


def test_luck_is_told_or_how_to_know_it() -> None:
    assert '"redraw.partition" = [0, 1, 2]' in luck_line(comparison())
    known = [Luck({}, "fedadam", Share(0.4, 0.1, 0.8)), Luck({}, "krum", Share(0.1, 0.0, 0.5))]
    text = luck_line(comparison(luck=known))
    assert "10 to 40 %" in text
    assert "most for fedadam: 40 %, 95 % interval 10 to 80 %" in text
    table = cost_table(comparison(luck=known))
    assert [row[-1].text for row in table.rows] == ["–", "40 % (10 to 80)", "10 % (0 to 50)"]


def test_tables_name_needs_levels_differences_and_costs() -> None:
    ((title, table),) = versus_tables(comparison())
    assert title == ""
    assert [cell.text for cell in table.rows[0]] == ["fedavg", "nothing", "0.400"]
    assert [cell.text for cell in table.rows[1]] == ["fedadam", "nothing", "−0.100"]
    assert [row[2].strong for row in table.rows] == [False, True, False]
    assert [row[1].text for row in table.rows] == ["nothing", "nothing", "a clean client"]
    costs = cost_table(comparison())
    assert [cell.text for cell in costs.rows[2]] == ["krum", "a clean client", "2.50", "3 s", "3 kB"]
    assert [cell.small for cell in costs.rows[2]][3:] == ["1.50 times", "3.00 times"]
    ((title, many),) = versus_tables(comparison([("better", "worse")] * 4))
    assert "strategies.csv" in title
    assert len(many.rows) == 4
    assert many.columns[:2] == ("alpha", "fedavg")


def test_ranks_are_drawn_from_three_cells_on_with_their_difference() -> None:
    assert figures.ranks(comparison([("better",) * 2] * 2)) is None
    drawn = figures.ranks(comparison([("better",) * 2] * 3))
    assert drawn is not None
    texts = [text.get_text() for axes in drawn.axes for text in axes.texts]
    assert f"CD = {critical_difference(3, 1):.2f} → (N = 1 data set)" in texts
    assert {"fedavg  2.50", "fedadam  1.00", "krum  2.50"} <= set(texts)


def test_the_page_leads_with_words_and_folds_levels(result: Digest) -> None:
    from fedsoft.report.page import page

    html = page(result)
    section = html[html.index("<h2>Strategies") : html.index("<h2>Clients")]
    assert section.index("fedadam") < section.index("<table")
    order = ["needs at", "Ranks, needs and costs", "Mean ranks on", "luck of the partition", "compute"]
    places = [section.index(word) for word in order]
    assert places == sorted(places)
    assert "<summary><strong>Every source under every strategy" in section
