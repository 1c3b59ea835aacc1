"""Which column of predictions is of which class."""

from collections.abc import Sequence

from fedsoft.datasets.answers.naming import quoted
from fedsoft.datasets.answers.spelling import fold_key, trimmed, without_bytes
from fedsoft.errors import DataError


def by_name(columns: Sequence[str], classes: Sequence[str], where: str) -> list[int] | None:
    """The column of each class: named as it, but for case and spaces, or with one affix, as ``p_cat`` has.

    Returns:
        None where no set of columns is named so.

    Raises:
        DataError: two sets of columns are, or two columns have one name.
    """
    for spelling in (_plain, lambda name: fold_key(_plain(name))):
        names, wanted = [spelling(name) for name in columns], [spelling(name) for name in classes]
        if len(set(wanted)) < len(wanted):
            continue
        found = [affix for affix in _affixes(names, wanted[0]) if _all_named(names, wanted, affix)]
        found = [("", "")] if ("", "") in found else found
        if len(found) > 1:
            shown = " and ".join(repr(start + wanted[0] + end) for start, end in found[:2])
            raise DataError(f"{where} has several columns a class, such as {shown}; keep one for each class.")
        if found:
            start, end = found[0]
            spelt = [start + name + end for name in wanted]
            if twice := [name for name in spelt if names.count(name) > 1]:
                raise DataError(f"{where} has two columns {twice[0]!r}; keep one for each class.")
            return [names.index(name) for name in spelt]
    return None


def by_place(columns: Sequence[str], classes: Sequence[str], where: str) -> tuple[str, ...]:
    """What to tell of columns that are taken for the classes in their order.

    Raises:
        DataError: there are not as many columns as classes, or some are named as classes and others are not.
    """
    known = {fold_key(_plain(name)) for name in columns}
    named = [name for name in classes if fold_key(_plain(name)) in known]
    if named:
        lacking = quoted([name for name in classes if name not in named])
        raise DataError(f"{where} has no column for {lacking}; give each class its own, named as the class.")
    if len(columns) != len(classes):
        raise DataError(
            f"{where} has {quoted(columns)} for columns, where there are {len(classes)} classes "
            f"({quoted(classes)}); give each class its own, named as the class."
        )
    return (f"its columns {quoted(columns)} are taken for the classes {quoted(classes)}, in this order",)


def _plain(name: str) -> str:
    return without_bytes(trimmed(name))


def _affixes(names: Sequence[str], first: str) -> list[tuple[str, str]]:
    """What may stand before and after a class's name, by where the first class's name occurs."""
    found = []
    for name in names:
        at = name.find(first)
        while at >= 0:
            found.append((name[:at], name[at + len(first) :]))
            at = name.find(first, at + 1)
    return list(dict.fromkeys(found))


def _all_named(names: Sequence[str], classes: Sequence[str], affix: tuple[str, str]) -> bool:
    start, end = affix
    return all(start + name + end in names for name in classes)
