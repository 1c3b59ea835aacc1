"""Columns that hold what people wrote, where classes are looked for."""

from fedsoft.errors import DataError
from fedsoft.plural import plural

MOST = 200
"""As many different answers may be classes whatever their number: more are rare, and dear to list by hand."""

SHARE = 0.2
"""More classes than a fifth of the answers have fewer than five answers each, from which nothing is learnt;
free texts hardly repeat."""


def refuse_free_text(where: str, column: str | None, texts: int, rows: int, beside: bool) -> None:
    """DataError if there are too many different answers to be classes.

    Args:
        where: the file.
        column: the column that they are from; None in an export of a tool.
        texts: how many answers differ.
        rows: how many there are.
        beside: whether further ones are classes that the data have already.
    """
    if texts <= MOST or texts <= SHARE * rows:
        return
    number = (
        f"{texts:,} different texts in {plural(rows, 'row')}" + " that name no class of the data" * beside
    )
    if column is None:
        held = f"its answers hold {number}, so they are no classes; name another question by `field`"
    else:
        held = (
            f"the column {column!r} holds {number}, so it is no class; name another column by "
            'columns = { label = "…" }'
        )
    raise DataError(f"{where}: {held}, or list the classes in `classes`.")
