"""What is said of the people who gave single answers: sentences, a table of those who stand out, a CSV."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fedsoft.annotators.crowd import KnownCrowd
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
FEW_PEOPLE = 5
"""So many people are named one by one, instead of a range over them."""
CLASSES = 5
"""Classes that a table shows: those in which people differ most."""


def people_lines(crowd: KnownCrowd, alpha: str = "", differ_first: bool = False) -> list[str]:
    """Who there is, whom they agree with, what they differ in, who stands out: a sentence or two each.

    Args:
        crowd: the people.
        alpha: what is said of Krippendorff's alpha.
        differ_first: whether to begin with what people differ in.
    """
    people, found = crowd.people, crowd.differences
    if len(people) < 2:
        return [f"{_who(people)} Nobody else gave any, so nothing can be said of people."]
    lines = [
        _who(people),
        _agreement(people, found),
        _each(crowd),
        alpha,
        _right(people),
        _consistency(people),
    ]
    lines.insert(0 if differ_first else len(lines), differ_line(crowd))
    return [*filter(None, lines), standing_line(crowd)]


def _who(people: People) -> str:
    counts = people.answers
    if len(people) == 1:
        return f"1 person gave {plural(int(counts[0]), 'answer')}."
    each = (
        f"{counts.min():,} to {counts.max():,} answers each, half of them {int(np.median(counts)):,} or more"
    )
    if counts.min() == counts.max():
        each = f"{plural(int(counts[0]), 'answer')} each"
    enough = int((counts >= ENOUGH).sum())
    many = "" if enough == len(people) else f"; {enough:,} gave {ENOUGH} or more"
    return f"{len(people):,} people, {each}{many}."


def _agreement(people: People, found: Differences | None) -> str:
    met = people.agreement.of > 0
    if not met.any():
        return "No item was answered by two people, so nobody can be compared."
    mean = np.average(people.agreement.share[met], weights=people.agreement.of[met])
    text = f"An answer is the same as another's to the same item {percent(mean)} of the time"
    if found is None or found.agreement is None or _most_in_agreement(found) or len(people) <= FEW_PEOPLE:
        return f"{text}."
    return f"{text}; of people with {ENOUGH} answers or more, {spread_words(found.agreement)}."


def _each(crowd: KnownCrowd) -> str:
    """How often each of a few people agrees with the others."""
    people = crowd.people
    met = np.flatnonzero(people.agreement.of > 0)
    if len(people) > FEW_PEOPLE or not len(met):
        return ""
    order = met[np.argsort(people.agreement.share[met], kind="stable")]
    listed = ", ".join(f"{crowd.names[r]} {percent(people.agreement.share[r])}" for r in order)
    return f"Each agrees with the others: {listed}."


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


def differ_line(crowd: KnownCrowd) -> str:
    """What people differ in most beyond chance: whom they agree with, or how often they answer a class."""
    found = crowd.differences
    if found is None:
        return f"Fewer than two people gave {ENOUGH} answers, so what people differ in cannot be told."
    if len(crowd.people) <= FEW_PEOPLE:
        return ""
    who = f"the {found.people:,} people with {ENOUGH} answers or more"
    if found.agreement is not None and _most_in_agreement(found):
        what = "agree with the others, in the share of these who gave the same answer to the same item"
        return f"People differ most in how often they {what}: of {who}, {spread_words(found.agreement)}."
    most = widest(found)[0]
    if not found.says[most].beyond:
        return f"In what they answer, {who} differ no more than people who are alike would."
    return (
        f"People differ most in how often they answer “{crowd.class_names[most]}”: of {who}, "
        f"{spread_words(found.says[most])}."
    )


def _most_in_agreement(found: Differences) -> bool:
    """Whether people differ in agreement, and more so than in any class."""
    agreement, classes = found.agreement, [one.excess for one in found.says if one.beyond]
    return agreement is not None and agreement.beyond and agreement.excess > max(classes, default=0)


def standing_line(crowd: KnownCrowd) -> str:
    """How many stand out, and which way."""
    people, names = crowd.people, crowd.names
    standing = people.standing
    less, blind = int(standing.less.sum()), int(people.blind.sum())
    more, bias = int(standing.more.sum()), int(standing.says_more.any(axis=1).sum())
    if not standing.anyhow.any():
        return "Nobody stands out beyond chance, with so many people and so many answers of each."
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


def standing_table(crowd: KnownCrowd) -> tuple[Table, int]:
    """Those who agree less or lean to a class, those who agree least first, and how many it leaves out."""
    people, names = crowd.people, crowd.names
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
            Cell(remark(crowd, r)),
        ]
        for kind in kinds
        for r in _by_agreement(people, kind)[:SHOWN]
    ]
    columns = ["who", "answers", "agrees with\nthe others", "these with\neach other"]
    columns += ["is the\nlabel"] * (people.right is not None)
    columns.append("what stands out")
    left = int(standing.unusual.sum()) - len(rows)
    return Table(tuple(columns), rows, prose=(0, len(columns) - 1)), left


def _label_cell(people: People, r: int) -> Iterator[Cell]:
    if people.right is not None:
        yield Cell(percent(people.right.share[r]))


def remark(crowd: KnownCrowd, r: int) -> str:
    """What stands out in one person, in a few words."""
    people, class_names = crowd.people, crowd.class_names
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


def alpha_line(*found: Alpha | None, few: bool = False) -> str:
    """Krippendorff's alpha with its intervals; nothing where there is none.

    Args:
        found: alpha over items, or over items and people.
        few: whether there are too few people to tell of others.
    """
    known = [one for one in found if one is not None and not math.isnan(one.alpha)]
    if not known:
        return ""
    text = f"Krippendorff's α is {plain(known[0].alpha)} (1: all agree, 0: as by chance)"
    ends = [
        f"{plain(one.low)} to {plain(one.high)} for other items{' and other people' * one.people}"
        for one in known
        if one.low >= -1 and not (one.people and few)  # a wider one says nothing
    ]
    return f"{text}; 95 % interval: {', '.join(ends)}." if ends else f"{text}."


def write_people(path: Path, crowd: KnownCrowd) -> None:
    """Write one row a person: every figure, with its interval and what it is a share of."""
    people, class_names = crowd.people, crowd.class_names
    columns = ["annotator", "answers", "stands_out"]
    measured = {"agreement": people.agreement, "right": people.right, "consistent": people.consistent}
    known = {name: found for name, found in measured.items() if found is not None}
    for name in known:
        columns += [name, f"{name}_low", f"{name}_high", f"{name}_of"]
    columns += ["others", "guessing"]
    columns += [f"says_{name}" for name in class_names] + [f"expected_{name}" for name in class_names]
    rows = (
        [
            crowd.names[r],
            people.answers[r],
            remark(crowd, r),
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


def spread_table(crowd: KnownCrowd) -> Table | None:
    """What people differ in: agreement, and the classes that they differ in most, beside chance."""
    found = crowd.differences
    if found is None:
        return None
    rows = [("agrees with the others", found.agreement)] if found.agreement is not None else []
    rows += [(f"answers “{crowd.class_names[c]}”", found.says[c]) for c in widest(found)[:CLASSES]]
    return Table(
        ("share of a person's answers", "10th to 90th percentile\nof people", "were people\nalike"),
        [
            [
                Cell(name),
                Cell(_range(one.low, one.high), strong=one.beyond),
                Cell(_range(one.chance_low, one.chance_high)),
            ]
            for name, one in rows
        ],
    )


def widest(found: Differences) -> list[int]:
    """The classes, those first whose share differs most beyond chance; of a pair that mirrors, the rarer."""

    def order(c: int) -> tuple[bool, float, float]:
        one = found.says[c]
        return not one.beyond, -round(one.excess, 9), one.high

    return sorted(range(len(found.says)), key=order)


def _range(low: float, high: float) -> str:
    places = 0 if high - low >= 0.05 else 1
    return f"{plain(100 * low, places)} to {percent(high, places)}"
