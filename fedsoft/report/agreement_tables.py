"""Tables of agreement with people between floor and ceiling, and of selective prediction."""

import math

from fedsoft.analysis.agreement import EQUAL_VOTES
from fedsoft.annotators.mode_shifts import ModeShifts
from fedsoft.report.numbers import NOT_ENOUGH, interval, plain, signed
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table

COLUMNS = {
    "kl": "KL",
    "total_variation": "total\nvariation",
    "entropy_error": "entropy\nerror",
    EQUAL_VOTES: "entropy error\nat equal votes",
    "entropy_correlation": "entropy rank\ncorrelation",
}
SIGNED = ("entropy_error", EQUAL_VOTES)


def agreement_table(shown: Shown) -> Table:
    """Every source's agreement with people under the primary strategy, then the ceiling and the floor."""
    rows = [
        [
            Cell(source, colour=shown.colours[source]),
            *(Cell(_written(name, shown.score(source, name, "vote"))) for name in COLUMNS),
        ]
        for source in shown.sources
    ]
    for place, title in ((1, "ceiling"), (0, "floor")):
        ends = {name: shown.cell.bounds.get(name, (math.nan, math.nan))[place] for name in COLUMNS}
        row = [Cell(title, strong=True), *(Cell(_written(name, end)) for name, end in ends.items())]
        if place:
            halves = f"{plain(shown.cell.split_half)} by split halves"
            row[-1] = Cell(row[-1].text, "" if math.isnan(shown.cell.split_half) else halves)
        rows.append(row)
    return Table(("source", *COLUMNS.values()), rows)


def _written(name: str, value: float) -> str:
    return signed(value) if name in SIGNED else plain(value)


def ceiling_lines(shown: Shown) -> list[str]:
    """That a ceiling is wrong, where a trained model beats it beyond noise."""
    ceiling = shown.cell.bounds.get("kl", (math.nan, math.nan))[1]
    for source in shown.sources:
        level = shown.estimate(source, "raw", "vote", "kl", "all")
        if level is not None and level.high < ceiling:
            figures = f"{plain(level.estimate)}, 95 % interval {interval(level.low, level.high)}"
            return [
                f"The ceiling of KL ({plain(ceiling)}) is wrong: {source} beats it ({figures}), and no "
                "model that sees nothing of the votes can. Either so few votes do not tell what examples' "
                "distributions are like, or the inputs come from the same people and tell which way their "
                "votes fell."
            ]
    return []


def mode_shift_lines(shown: Shown) -> list[str]:
    """How often each crowd's mode is not the label; nothing of the kind where labels are that mode."""
    if shown.labels_are_majority:
        return [
            "The labels are the votes' own mode, so modes do not shift, and nothing can be said of "
            "correction."
        ]
    return [mode_shift_line(name, found) for name, found in shown.cell.mode_shifts.items()]


def mode_shift_line(name: str, found: ModeShifts) -> str:
    """How often a crowd's mode is not the label, and how much of that sampling explains, in a sentence."""
    text = f"With {name} ({plain(found.votes, 1)} an example) the mode differs from the label on "
    text += f"{_percent(found.observed)} of the training examples"
    if math.isnan(found.added):
        return f"{text}; how much of that is the noise of single votes cannot be told."
    return (
        f"{text}; sampling alone adds {_percent(found.added)}, which leaves {_percent(found.beyond)} "
        f"(so many votes miss the mode of their own distribution on {_percent(found.flipped)})."
    )


def _percent(value: float) -> str:
    return NOT_ENOUGH if math.isnan(value) else f"{plain(100 * value, 2)} %"


def selective_table(shown: Shown) -> Table:
    """Whether confidence tells right from wrong, against the label, under the primary strategy."""
    rows = [
        [
            Cell(source, colour=shown.colours[source]),
            *(Cell(plain(shown.score(source, name, "label"), places)) for name, places in SELECTIVE),
        ]
        for source in shown.sources
    ]
    return Table(("source", "AURC", "AUROC of\nconfidence"), rows)


SELECTIVE = (("aurc", 4), ("auroc", 3))
