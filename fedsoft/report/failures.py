"""Runs that could not be done, or whose files have changed, in a sentence each."""

from collections.abc import Sequence

from fedsoft.plural import plural
from fedsoft.report.shown import axes_name
from fedsoft.study.opened import Failed

MOST = 10
"""So many runs are named; the others are counted."""


def failure_lines(failures: Sequence[Failed]) -> list[str]:
    """A line a failed run: where it stands in the grid, and what went wrong."""
    return some([_line(one) for one in failures], "failed")


def damage_lines(damaged: Sequence[str]) -> list[str]:
    """A line a run that had finished and was changed since."""
    return some(damaged, "changed or deleted")


def some(lines: Sequence[str], what: str) -> list[str]:
    """The first lines, and how many more runs there are of which one could say what."""
    more = len(lines) - MOST
    return [*lines[:MOST], *([f"{what}: {plural(more, 'more run')}."] if more > 0 else [])]


def _line(failed: Failed) -> str:
    where = f"{axes_name(failed.axes)}, " if failed.axes else ""
    others = f" (and in {plural(failed.cells - 1, 'other cell')})" if failed.cells > 1 else ""
    return f"failed: {where}{failed.run.label()}{others}: {failed.failure['message']}"
