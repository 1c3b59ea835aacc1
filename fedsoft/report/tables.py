"""One table, printed on a terminal or written as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from rich.table import Table as RichTable
from rich.text import Text

from fedsoft.report.numbers import interval, places_for, plain, reach, signed

if TYPE_CHECKING:  # that room brings torch, which tables of data do without
    from fedsoft.analysis.estimates import Estimate


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: what it says.
        small: what stands below it in small grey type, such as an interval.
        strong: whether it stands out.
        faint: whether it recedes, since nothing may be concluded from it.
        colour: of the swatch before the text, or empty for none.
    """

    text: str
    small: str = ""
    strong: bool = False
    colour: str = ""
    faint: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under column heads; a row of a single cell is a heading within the table.

    Attributes:
        columns: their heads; the first is the rows' own name.
        rows: as many cells a row as there are columns, or one.
        groups: heads above the columns, each with the number of columns it spans; or none.
        prose: columns of text, which stand to the left and may wrap.
        fine: whether a terminal shows the small type too.
    """

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    groups: tuple[tuple[str, int], ...] = ()
    prose: tuple[int, ...] = field(default=(0,))
    fine: bool = False


def level_cell(found: Estimate | None, show_sign: bool = False) -> Cell:
    """A level with the half-width of its interval."""
    if found is None:
        return Cell("–")
    text = (signed if show_sign else plain)(found.estimate)
    return Cell(text, reach(found.low, found.high))


def effect_cell(found: Estimate | None, learned: bool | None = None) -> Cell:
    """An effect with its interval, strong where that excludes zero, unless models have not learned."""
    if found is None:
        return Cell("–")
    places = places_for((found.high - found.low) / 2)
    return Cell(
        signed(found.estimate, places),
        interval(found.low, found.high, places),
        strong=(found.low > 0 or found.high < 0) and learned is not False,
        faint=learned is False,
    )


def to_rich(table: Table, headed: bool = True) -> RichTable:
    """The table for a terminal, without the small print unless the table is fine."""
    made = RichTable(box=None, padding=(0, 1), header_style="dim", pad_edge=False, collapse_padding=True)
    made.show_header = headed
    heads = [name for name, span in table.groups for _ in range(span)] or [""] * len(table.columns)
    for number, (head, column) in enumerate(zip(heads, table.columns, strict=True)):
        prose = number in table.prose
        title = f"{head}\n{column}".strip()
        # Where the terminal is narrow, names give way before numbers do.
        made.add_column(title, justify="left" if prose else "right", no_wrap=not prose, overflow="fold")
    for row in table.rows:
        if len(row) == 1:
            made.add_row(Text(row[0].text, style="italic dim"))
        else:
            made.add_row(*(_text(cell, table.fine) for cell in row))
    return made


def _text(cell: Cell, fine: bool) -> Text:
    text = Text(cell.text, style="bold" if cell.strong else "dim" if cell.faint else "")
    return text.append(f"\n{cell.small}", style="dim not bold") if fine and cell.small else text


def to_html(table: Table) -> str:
    """The table as HTML, in a box that scrolls sideways on a narrow screen."""
    head = ""
    if table.groups:
        head = _row("".join(f'<th colspan="{span}">{escape(name)}</th>' for name, span in table.groups))
    head += _row("".join(_tag("th", n, table, escape(name)) for n, name in enumerate(table.columns)))
    body = "".join(
        _row("".join(_tag("td", n, table, _inner(cell)) for n, cell in enumerate(row)))
        if len(row) > 1
        else _row(f'<th class="section" colspan="{len(table.columns)}">{escape(row[0].text)}</th>')
        for row in table.rows
    )
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>\n'


def _row(inner: str) -> str:
    return f"<tr>{inner}</tr>\n"


def _tag(tag: str, number: int, table: Table, inner: str) -> str:
    kind = ' class="prose"' if number in table.prose else ""
    return f"<{tag}{kind}>{inner}</{tag}>"


def _inner(cell: Cell) -> str:
    text = f"<strong>{escape(cell.text)}</strong>" if cell.strong else escape(cell.text)
    if cell.faint:
        text = f'<span class="faint">{text}</span>'
    if cell.colour:
        text = f'<span class="source"><i class="swatch" style="background:{cell.colour}"></i>{text}</span>'
    return text + (f"<small>{escape(cell.small)}</small>" if cell.small else "")
