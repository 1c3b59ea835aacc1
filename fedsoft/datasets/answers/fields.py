"""Which question answers are taken from, where an export holds several."""

from collections.abc import Iterable
from pathlib import Path

from fedsoft.datasets.answers.naming import quoted
from fedsoft.errors import DataError


def chosen_field(fields: Iterable[str], named: str | None, file: Path) -> str | None:
    """The one question of an export, or that which `field` names; None where there is none.

    Raises:
        DataError: there are several and none is named, or the one named is not there.
    """
    there = list(dict.fromkeys(fields))
    if named is not None:
        if named not in there:
            has = f"it has {quoted(there)}" if there else "it has none"
            raise DataError(f"{file} holds no answers to {named!r}, as `field` says; {has}.")
        return named
    if len(there) > 1:
        raise DataError(
            f'{file} holds answers to several questions, {quoted(there)}; name one, as field = "{there[0]}".'
        )
    return there[0] if there else None
