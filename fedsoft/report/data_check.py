"""What a dataset holds, who answered, what it can be used for: printed, the essential first."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from fedsoft.annotators.crowd import KnownCrowd, crowd_of
from fedsoft.annotators.krippendorff import alpha_with_interval
from fedsoft.annotators.likely import likely_distributions
from fedsoft.annotators.mode_shifts import ModeShifts, mode_shifts
from fedsoft.datasets import AnnotatedDataset
from fedsoft.datasets.duplicates import Duplicates, find_duplicates
from fedsoft.errors import DataError
from fedsoft.plural import plural
from fedsoft.report.data_support import study_line, supports
from fedsoft.report.people_words import (
    FEW_PEOPLE,
    alpha_line,
    people_lines,
    standing_table,
    write_people,
)
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.streams import stream


def show_data(data: AnnotatedDataset, console: Console, out: Path | None = None) -> None:
    """Print what a dataset holds and what can be made of it, and write the table of its people.

    Args:
        data: the dataset.
        console: where to print.
        out: the CSV file for one row a person, if it is wanted.

    Raises:
        DataError: the table of people is wanted, and it is not known who gave which answer.
    """
    crowd = crowd_of(data)
    if out is not None:
        if crowd is None:
            raise DataError(
                f"--out writes a table of people, but in {data.name!r} it is not known who gave which "
                "answer; leave it out, or give single answers with their annotators."
            )
        write_people(out, crowd)
    for line in data.summary().splitlines():
        _say(console, line)
    if data.votes is not None:
        _title(console, "People")
        alpha = _alpha(data, crowd)
        if crowd is None:
            _say(console, alpha)
            _say(console, "It is not known who gave which answer, so nothing can be said of single people.")
        else:
            for line in people_lines(crowd, alpha):
                _say(console, line)
    for line in duplicate_lines(find_duplicates(data.inputs, data.labels, data.held_out), data):
        _say(console, line)
    _title(console, "What these data can be asked")
    rows = [
        [Cell(one.what), Cell(one.can, strong=one.can == "yes", faint=one.can == "no"), Cell(one.why)]
        for one in supports(data, None if crowd is None else crowd.people, shifts_of(data))
    ]
    console.print(to_rich(Table(("", "", ""), rows, prose=(0, 1, 2)), headed=False))
    _say(console, study_line(data))
    if crowd is not None and crowd.people.standing.unusual.any():
        _title(console, "Who stands out")
        table, left = standing_table(crowd)
        console.print(to_rich(table))
        more = f"{plural(left, 'other stands', 'others stand')} out too. " if left else ""
        _say(console, f"{more}{STANDING}{' Everybody is in ' + str(out) + '.' if out else EVERYBODY}")


STANDING = (
    "Intervals: 95 %. Chance: each answer to an item is as likely to be one's as another's who answered it; "
    "of a crowd of people who are alike at most one in twenty would have anybody in this table."
)
EVERYBODY = " --out people.csv writes everybody."


def shifts_of(data: AnnotatedDataset) -> ModeShifts | None:
    """How often the votes' mode is not the label, beside what sampling explains.

    None where that says nothing: labels are the votes' own mode, votes are shares, or no item has both.
    """
    if data.votes is None or data.labels_are_majority or not data.counted:
        return None
    known = data.voted if data.labelled is None else data.voted & data.labelled
    if not known.any():
        return None
    votes, labels = data.votes[known], data.labels[known]
    return mode_shifts(votes, labels, likely_distributions(votes, labels), stream("mode noise"))


def duplicate_lines(found: Duplicates, data: AnnotatedDataset) -> list[str]:
    """Items that are the same, and what that spoils."""
    if not found.groups:
        return []
    names = [str(place if data.item_ids is None else data.item_ids[place]) for place in found.example]
    text = f"{found.items:,} {data.noun} are identical to others ({plural(found.groups, 'set')}, such as "
    text += f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
    lines = [f"{text}; in {found.unlike:,} of the sets labels differ." if found.unlike else f"{text}."]
    if found.both_sides:
        lines.append(
            f"Warning: {plural(found.both_sides, 'set')} of identical {data.noun} "
            f"{'is' if found.both_sides == 1 else 'are'} on both sides of `held_out`, so that what is tested "
            "was seen in training; leave one side out."
        )
    elif data.held_out is None and data.people is None:
        lines.append("Folds may put one in training and the other in test; leave all but one out.")
    return lines


def _alpha(data: AnnotatedDataset, crowd: KnownCrowd | None) -> str:
    """Krippendorff's alpha of the votes, where these are counts, else nothing."""
    if data.votes is None or not data.counted:
        return ""
    few = crowd is not None and len(crowd.people) <= FEW_PEOPLE
    return alpha_line(alpha_with_interval(data.votes), None if crowd is None else crowd.alpha, few=few)


def _say(console: Console, text: str) -> None:
    if text:
        console.print(text, highlight=False, markup=False)


def _title(console: Console, text: str) -> None:
    console.print(Text(f"\n{text}", style="bold"), highlight=False)
