"""What is said of the people who gave single answers: sentences, a table of those who stand out, a CSV."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fedsoft.annotators.krippendorff import Alpha
from fedsoft.annotators.people import People
from fedsoft.annotators.shares import shares
from fedsoft.annotators.spread import ENOUGH, Differences, Spread
from fedsoft.files import write_csv
from fedsoft.plural import plural
from fedsoft.report.numbers import plain
from fedsoft.report.tables import Cell, Table

SHOWN = 10
"""People of each kind that a table shows."""


def people_lines(
    people: People,
    names: Sequence[str],
    found: Differences | None,
    class_names: Sequence[str],
    alpha: str = "",
) -> list[str]:
    """Who there is, whom they agree with, what they differ in, who stands out: a sentence or two each.

    Args:
        people: the people.
        names: R of theirs.
        found: what they differ in.
        class_names: C of the classes.
        alpha: what is said of Krippendorff's alpha.
    """
    if len(people) < 2:
        return [f"{_who(people)} Nobody else gave any, so nothing can be said of people."]
    lines = [_who(people), _agreement(people, found), alpha, _right(people), _consistency(people)]
    return [*filter(None, lines), differ_line(found, class_names), standing_line(people, names)]


def _who(people: People) -> str:
    counts = people.answers
    if len(people) == 1:
        return f"1 person gave {plural(int(counts[0]), 'answer')}."
    each = (
        f"{counts.min():,} to {counts.max():,} answers each, half of them {int(np.median(counts)):,} or more"
    )
    if counts.min() == counts.max():
        each = f"{plural(int(counts[0]), 'answer')} each"
    return f"{len(people):,} people, {each}; {int((counts >= ENOUGH).sum()):,} gave {ENOUGH} or more."


def _agreement(people: People, found: Differences | None) -> str:
    met = people.agreement.of > 0
    if not met.any():
        return "No item was answered by two people, so nobody can be compared."
    mean = np.average(people.agreement.share[met], weights=people.agreement.of[met])
    text = f"An answer is the same as another's to the same item {percent(mean)} of the time"
    if found is None or found.agreement is None:
        return f"{text}."
    return f"{text}; of people with {ENOUGH} answers or more, {spread_words(found.agreement)}."


def _right(people: People) -> str:
    if people.right is None or not people.right.of.any():
        return ""
    known = people.right.of > 0
    whole = shares(
        np.sum(people.right.share[known] * people.right.of[known]), np.asarray(people.right.of.sum())
    )
    enough = people.right.of >= ENOUGH
    text = f"An answer is the label {percent(whole.share)} of the time"
    if enough.sum() < 2:
        return f"{text}."
    low, high = np.quantile(people.right.share[enough], [0.1, 0.9])
    return f"{text}, {percent(low)} to {percent(high)} by person (10th to 90th percentile)."


def _consistency(people: People) -> str:
    if people.consistent is None:
        return ""
    known = people.consistent.of > 0
    pairs = int(people.consistent.of.sum())
    same = round(float(np.sum(people.consistent.share[known] * people.consistent.of[known])))
    whole = shares(np.asarray(same), np.asarray(pairs))
    return (
        f"Of {plural(pairs, 'pair')} of answers by one person to one item, {same:,} are the same: "
        f"{percent(whole.share)} ({percent(whole.low)} to {percent(whole.high)})."
    )


def spread_words(found: Spread) -> str:
    """A range over people beside that of people who are alike."""
    places = 0 if found.high - found.low >= 0.05 else 1
    low, high, chance_low, chance_high = (
        percent(end, places) for end in (found.low, found.high, found.chance_low, found.chance_high)
    )
    return (
        f"{low} to {high} (10th to 90th percentile), where people who are alike would have {chance_low} to "
        f"{chance_high} on the items they saw"
    )


def differ_line(found: Differences | None, class_names: Sequence[str]) -> str:
    """What people differ in most: the class whose share varies most beyond chance."""
    if found is None:
        return f"Fewer than two people gave {ENOUGH} answers, so what people differ in cannot be told."
    who = f"the {found.people:,} people with {ENOUGH} answers or more"
    widest = max(range(len(class_names)), key=lambda c: (found.says[c].beyond, found.says[c].excess))
    if not found.says[widest].beyond:
        return f"In which classes they answer, {who} differ no more than people who are alike would."
    return (
        f"People differ in how often they answer “{class_names[widest]}”: of {who}, "
        f"{spread_words(found.says[widest])}."
    )


def standing_line(people: People, names: Sequence[str]) -> str:
    """How many stand out, and which way."""
    standing = people.standing
    less, blind = int(standing.less.sum()), int(people.blind.sum())
    more, bias = int(standing.more.sum()), int(standing.says_more.any(axis=1).sum())
    if not standing.anyhow.any():
        return "Nobody stands out: chance alone explains how people differ, or they gave too few answers."
    lines = ["Nobody agrees less with the others than chance explains."]
    if less:
        who = [names[r] for r in _by_agreement(people, standing.less)]
        listed = ", ".join(who[:SHOWN]) + (f" and {less - SHOWN:,} more" if less > SHOWN else "")
        verb = "agrees" if less == 1 else "agree"
        text = (
            f"{plural(less, 'person', 'people')} {verb} less with the others than chance explains: {listed}"
        )
        lines = [text + (f" ({blind:,} of them no more than by guessing)." if blind else ".")]
    if more:
        lines.append(f"{plural(more, 'person', 'people')} agree{'s' if more == 1 else ''} more.")
    if bias:
        lines.append(
            f"{plural(bias, 'person', 'people')} answer{'s' if bias == 1 else ''} some class more often than "
            "the others on the same items."
        )
    return " ".join(lines)


def standing_table(people: People, names: Sequence[str], class_names: Sequence[str]) -> tuple[Table, int]:
    """Those who agree less or lean to a class, those who agree least first, and how many it leaves out."""
    standing = people.standing
    bias = standing.says_more.any(axis=1)
    kinds = (standing.less, bias & ~standing.less)
    rows = [
        [
            Cell(names[r], strong=bool(people.blind[r])),
            Cell(f"{people.answers[r]:,}"),
            Cell(_share(people.agreement.share[r], people.agreement.low[r], people.agreement.high[r])),
            Cell(percent(people.others[r])),
            *_label_cell(people, r),
            Cell(remark(people, r, class_names)),
        ]
        for kind in kinds
        for r in _by_agreement(people, kind)[:SHOWN]
    ]
    columns = ["who", "answers", "agrees with\nthe others", "these with\neach other"]
    columns += ["is the\nlabel"] * (people.right is not None)
    columns.append("what stands out")
    left = int((standing.less | bias).sum()) - len(rows)
    return Table(tuple(columns), rows, prose=(0, len(columns) - 1)), left


def _label_cell(people: People, r: int) -> Iterator[Cell]:
    if people.right is not None:
        yield Cell(percent(people.right.share[r]))


def remark(people: People, r: int, class_names: Sequence[str]) -> str:
    """What stands out in one person, in a few words."""
    standing, parts = people.standing, []
    if people.blind[r]:
        parts.append("no better than guessing")
    elif standing.less[r]:
        parts.append("agrees less")
    elif standing.more[r]:
        parts.append("agrees more")
    if people.says[r].max() == 1.0 and standing.says_more[r].any():
        parts.append(f"always “{class_names[int(people.says[r].argmax())]}”")
    else:
        parts += [
            f"“{class_names[c]}” {percent(people.says[r, c])}, others {percent(people.expected[r, c])}"
            for c in np.flatnonzero(standing.says_more[r]).tolist()
        ]
    return "; ".join(parts)


def alpha_line(items: Alpha, both: Alpha | None) -> str:
    """Krippendorff's alpha with its intervals; nothing where there is none."""
    if math.isnan(items.alpha):
        return ""
    text = f"Krippendorff's α is {plain(items.alpha)} (1: all agree, 0: as by chance)"
    ends = []
    if not math.isnan(items.low):
        ends.append(f"{plain(items.low)} to {plain(items.high)} for other items")
    if both is not None and not math.isnan(both.low):
        ends.append(f"{plain(both.low)} to {plain(both.high)} for other items and other people")
    return f"{text}: {', '.join(ends)}." if ends else f"{text}."


def write_people(path: Path, people: People, names: Sequence[str], class_names: Sequence[str]) -> None:
    """Write one row a person: every figure, with its interval and what it is a share of."""
    columns = ["annotator", "answers", "stands_out"]
    measured = {"agreement": people.agreement, "right": people.right, "consistent": people.consistent}
    known = {name: found for name, found in measured.items() if found is not None}
    for name in known:
        columns += [name, f"{name}_low", f"{name}_high", f"{name}_of"]
    columns += ["others", "guessing"]
    columns += [f"says_{name}" for name in class_names] + [f"expected_{name}" for name in class_names]
    rows = (
        [
            names[r],
            people.answers[r],
            remark(people, r, class_names),
            *(part[r] for found in known.values() for part in (found.share, found.low, found.high, found.of)),
            people.others[r],
            people.guessing[r],
            *people.says[r],
            *people.expected[r],
        ]
        for r in range(len(people))
    )
    write_csv(path, columns, rows)


def percent(share: float | np.ndarray, places: int = 0) -> str:
    """A share in per cent; – where there is none."""
    value = float(share)
    return "–" if math.isnan(value) else f"{plain(100 * value, places)} %"


def _share(share: float, low: float, high: float) -> str:
    return "–" if math.isnan(share) else f"{percent(share)} ({plain(100 * low, 0)} to {plain(100 * high, 0)})"


def _by_agreement(people: People, some: np.ndarray) -> list[int]:
    """Of some people (R,), those who agree least with the others first."""
    found: list[int] = np.flatnonzero(some)[np.argsort(people.agreement.share[some], kind="stable")].tolist()
    return found
