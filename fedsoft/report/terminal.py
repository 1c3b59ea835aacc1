"""The result of a study on a terminal: tables, verdict, where the report lies."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from fedsoft.analysis.digest import Digest
from fedsoft.plural import plural
from fedsoft.report.answer import Answer, answer_note, answers
from fedsoft.report.failures import failure_lines
from fedsoft.report.frontier_words import frontier_answers, frontier_note
from fedsoft.report.level_tables import conclusions_table, result_note, result_table, strategy_table
from fedsoft.report.mishap_words import losses_sentence, raised_lines
from fedsoft.report.shown import Shown, axes_name, in_detail
from fedsoft.report.strategy_tables import cost_table, versus_tables
from fedsoft.report.strategy_words import luck_line, rank_lines, strategy_lead, strategy_notes
from fedsoft.report.tables import to_rich
from fedsoft.report.words import data_line, headline, verdict_notes


def show(result: Digest, path: Path, console: Console) -> None:
    """Print results, verdict and the path of the page."""
    console.print(f"\n[bold]{result.opened.plan.study.name}[/bold]", highlight=False)
    console.print(data_line(result), highlight=False, markup=False)
    if private := frontier_answers(result):
        _title(console, "The answer: what privacy takes away")
        for answer in private:
            console.print(answer.question, style="bold", highlight=False)
            for said in answer.sentences:
                console.print(Padding(said, (0, 0, 0, 2)), highlight=False, markup=False)
        console.print(frontier_note(result), style="dim", highlight=False, markup=False)
    together = in_detail(result)
    for one in together:
        _answer(console, one)
    console.print()
    console.print(Text.assemble(("Verdict on the endpoint. ", "bold"), headline(result)), highlight=False)
    for note in verdict_notes(result):
        console.print(note, style="dim", highlight=False, markup=False)
    if result.missing:
        have = "has" if result.missing == 1 else "have"
        missing = f"{plural(result.missing, 'run')} {have} not finished."
        console.print(missing, style="yellow", highlight=False)
        for line in failure_lines(result.opened.failures):
            console.print(line, style="yellow", highlight=False, markup=False)
    if len(result.conclusions) > 1:
        _title(console, "The endpoint in every cell of the grid")
        console.print(to_rich(conclusions_table(result)))
    for one in together:
        at = f", {axes_name(one.cell.axes)}" if one.cell.axes else ""
        against = one.against(one.reference)
        _title(console, f"Sources under {one.primary}{at}, against {against}, ± half a 95 % interval")
        console.print(to_rich(result_table([one])))
        console.print(result_note([one]), style="dim", highlight=False, markup=False)
    if together and len(together[-1].strategies) > 1:
        where = f", {axes_name(together[-1].cell.axes)}" if together[-1].cell.axes else ""
        if found := result.strategies:
            _title(console, f"Strategies − {found.reference}")
            console.print(strategy_lead(result, found), highlight=False, markup=False)
            for title, table in versus_tables(found, narrow=True):
                if title:
                    _title(console, title)
                console.print(to_rich(table))
            for line in (*strategy_notes(result, found), *rank_lines(found), luck_line(found)):
                console.print(line, style="dim", highlight=False, markup=False)
            console.print(to_rich(cost_table(found)))
        _title(console, f"Every source under every strategy{where}")
        console.print(to_rich(strategy_table(together[-1])))
    for one in together:
        if lost := losses_sentence(one):
            _title(console, "Clients" + (f", {axes_name(one.cell.axes)}" if one.cell.axes else ""))
            console.print(lost, highlight=False, markup=False)
    for line in raised_lines(result):
        console.print(line, style="yellow", highlight=False, markup=False)
    console.print(f"\nReport: {path}", highlight=False, markup=False, soft_wrap=True)


def _answer(console: Console, shown: Shown) -> None:
    """What a cell says in plain words."""
    _title(console, "The answer" + (f", {axes_name(shown.cell.axes)}" if shown.cell.axes else ""))
    _listed(console, answers(shown))
    console.print(answer_note(shown), style="dim", highlight=False, markup=False)


def _listed(console: Console, found: Sequence[Answer]) -> None:
    for one in found:
        console.print(Text.assemble((f"{one.question} ", "bold"), one.text), highlight=False)


def _title(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold", highlight=False, markup=False)
