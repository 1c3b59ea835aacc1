"""What the report says of strategies: words first, then differences, ranks, costs and luck."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fedsoft.analysis.contest import Measure
from fedsoft.analysis.digest import Digest
from fedsoft.analysis.judgement import Judgement
from fedsoft.analysis.strategies import Comparison, Luck, Versus
from fedsoft.evaluation import Share, critical_difference
from fedsoft.report import figures
from fedsoft.report.answer import answers
from fedsoft.report.numbers import within_reach
from fedsoft.report.shown import Shown
from fedsoft.report.strategy_tables import cost_table, judgement_table, versus_tables
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


def test_models_that_are_the_references_are_not_called_as_good(result: Digest) -> None:
    lead = strategy_lead(result, comparison([("better", "nothing was compared")]))
    assert lead.endswith("; of krum nothing was compared: its models are fedavg's.")
    none = strategy_lead(result, comparison([("nothing was compared",) * 2]))
    assert none.startswith("Of 2 strategies none is told apart")
    assert none.endswith("human_soft; of fedadam, krum nothing was compared: their models are fedavg's.")
    ((_, table),) = versus_tables(comparison([("better", "nothing was compared")]))
    assert (table.rows[2][2].text, table.rows[2][2].small) == ("–", "the same models")


def test_what_has_not_learned_has_no_verdict_in_words(result: Digest) -> None:
    made = comparison([("better", "no verdict")])

    def lead(*unlearned: str) -> str:
        rows = [made.rows[0], dataclasses.replace(made.rows[1], unlearned=unlearned)]
        return strategy_lead(result, dataclasses.replace(made, rows=rows))

    end = "models are not shown to beat a constant forecast."
    assert lead("krum").endswith(f"is better; on krum there is no verdict: its {end}")
    assert lead("krum", "fedavg").endswith(f"on krum there is no verdict: fedavg's {end}")
    (found,) = [one for one in answers(shown_with(result, made)) if one.question.startswith("Does the")]
    assert "as good" not in found.text
    assert "there is no verdict" in found.text
    ((_, table),) = versus_tables(made)
    assert (table.rows[2][2].faint, table.rows[2][2].strong) == (True, False)


def shown_with(result: Digest, made: Comparison) -> Shown:
    return Shown(dataclasses.replace(result, strategies=made), result.cells[0])


def test_more_than_a_metric_can_differ_by_is_never_seen(result: Digest) -> None:
    made = comparison([("undecided at this size",) * 2])

    def lead(*smallest: float) -> str:
        rows = [
            dataclasses.replace(row, smallest=value) for row, value in zip(made.rows, smallest, strict=True)
        ]
        return strategy_lead(result, dataclasses.replace(made, rows=rows))

    assert lead(0.048, 9.085).endswith(
        "the smallest difference that could have been seen is 0.048; of krum none could have been seen."
    )
    assert lead(2.1, 9.085).endswith("human_soft; none could have been seen, however large.")
    assert lead(0.048, 1.999).endswith("is 0.048 to 1.999, by strategy.")
    assert [within_reach(1.1, metric) for metric in ("accuracy", "signed_gap", "brier", "nll")] == [
        False, False, True, True,
    ]  # fmt: skip


def test_a_strategy_that_judged_all_alike_has_no_correlation() -> None:
    judged = [Judgement({}, "fedcrowd", *(3 * [np.nan]), 12, 2), Judgement({}, "krum", 0.5, 0.1, 0.8, 12, 2)]
    table = judgement_table(comparison(judgements=judged))
    assert table is not None
    assert [[cell.text for cell in row] for row in table.rows] == [["fedcrowd", "–"], ["krum", "0.50"]]


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
