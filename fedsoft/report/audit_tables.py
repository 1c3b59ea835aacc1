"""What an audit of privacy found: on a terminal, as files, and as an error."""

import math
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from fedsoft.execution.audit import ALPHA, Audit, Finding
from fedsoft.files import write_csv, write_json
from fedsoft.plural import plural
from fedsoft.privacy.audit import Rate
from fedsoft.report.numbers import NOT_ENOUGH, plain
from fedsoft.report.tables import Cell, Table, to_rich
from fedsoft.study.plan import Cell as GridCell

SEES = {"labels": "what clients train on", "model": "the trained model"}
NO_TEST = "no test: the ceiling is too low"
NAMES = ("source", "mechanism", "hides", "seen")
HIDDEN = {
    "labels": {
        "vote": "one vote",
        "image": "an image's answers",
        "annotator": "a person's answers",
        "client": "a client's answers",
    },
    "training": {"example": "an example", "client": "a client"},
}
"""What is to be hidden, by what is made private and by unit."""


def show_audit(audit: Audit, console: Console) -> None:
    """Print bounds beside claims, the attack's rates, and what neither says."""
    for title, table in (
        ("What leaks at least, with 95 % confidence for all lines together", bounds_table(audit)),
        ("How well the attacker tells canaries apart", rates_table(audit)),
    ):
        if audit.findings:
            console.print(Text(f"\n{title}", style="bold"))
            console.print(to_rich(table))
    for note in notes(audit):
        console.print(note, style="dim", highlight=False, markup=False)


def bounds_table(audit: Audit) -> Table:
    """Bounds on ε by source, unit and what the attacker sees."""
    rows = []
    for one in audit.findings:
        guessed, claim = one.guessed, one.claim
        delta = f", δ {claim.delta:g}" if claim.delta else ""
        rows.append(
            [
                *_named(one),
                Cell("none" if claim.epsilon is None else f"{_epsilon(claim.epsilon)}{delta}"),
                Cell(_epsilon(guessed.epsilon), strong=one.contradicts),
                Cell(f"{guessed.right:,} of {guessed.made:,}"),
                Cell(_epsilon(guessed.ceiling)),
                Cell(verdict(one), strong=one.contradicts),
            ]
        )
    columns = (*NAMES, "claim ε", "ε at least", "right", "ceiling", "verdict")
    return Table(columns, rows, prose=(0, 1, 2, 3, 8))


def rates_table(audit: Audit) -> Table:
    """Rates of the likelihood ratio test, by source, unit and what the attacker sees."""
    rows = []
    for one in audit.findings:
        test = one.test
        texts = [plain(test.auc), _rate(test.at_thousandth), _rate(test.at_hundredth), _epsilon(test.epsilon)]
        rows.append([*_named(one), *map(Cell, texts)])
    columns = (*NAMES, "AUC", "found at\n0.1 % false", "found at\n1 % false", "implied ε")
    return Table(columns, rows, prose=(0, 1, 2, 3))


def _named(found: Finding) -> list[Cell]:
    """Who is attacked, and how."""
    claim = found.claim
    mechanism = (claim.mechanism or "none").partition("(")[0].replace("_", " ")
    return [Cell(text) for text in (found.source, mechanism, HIDDEN[claim.of][claim.unit], found.seen)]


def verdict(found: Finding) -> str:
    """What a bound says, in plain words."""
    claim, guessed = found.claim.epsilon, found.guessed
    if found.contradicts:
        return "leaks more than is claimed"
    if claim is None:
        share = guessed.epsilon / guessed.ceiling if guessed.ceiling else 0.0
        return f"no claim; {share:.0%} of the ceiling" if guessed.ceiling else NO_TEST
    if guessed.ceiling <= claim:
        return NO_TEST
    return "does not contradict the claim"


def notes(audit: Audit) -> list[str]:
    """Who knows what, and what cannot be concluded."""
    effort = audit.effort
    most = max((one.guessed.canaries for one in audit.findings), default=0)
    said = [
        f"A fair coin decides on each canary. The attacker knows all else of the study, has trained "
        f"{plural(effort.shadows, 'model')} with coins of its own, and guesses the coins of "
        f"{plural(effort.attacked, 'other')}, {most:,} at most, surest first; of how many it guesses was "
        "chosen among all, half, a quarter, …, and is corrected for.",
        "Seen: the labels that clients train on, or the trained model.",
        "Ceiling: what so many canaries could have shown at most, were all guesses right. A low bound from "
        "few canaries, or by a weak attack, is no evidence of privacy.",
        "The rates and their ε take the canaries of a model for independent trials; the bounds do not, and "
        "verdicts rest on bounds alone.",
    ]
    if any(
        one.claim.epsilon is not None and one.guessed.ceiling <= one.claim.epsilon for one in audit.findings
    ):
        said.append(
            "Where the ceiling is below the claim, more --canaries may raise it. Where δ is not 0, canaries "
            "of all models together pay for it: fewer --attacked, or a smaller δ; else more --attacked."
        )
    return [*said, *(f"Not audited: {line}" for line in audit.left_out)]


def contradictions(audit: Audit) -> list[str]:
    """An error for each claim that is refuted."""
    lines = []
    for one in (found for found in audit.findings if found.contradicts):
        what, least = HIDDEN[one.claim.of][one.claim.unit], _epsilon(one.guessed.epsilon)
        lines.append(
            f"{one.source} leaks more of {what} than its privacy claims: ε is at least {least} by "
            f"{SEES[one.seen]}, and {one.claim.mechanism} claims {_epsilon(one.claim.epsilon or 0.0)}; do "
            "not rely on this ε, and look for answers that are used twice or in the clear."
        )
    return lines


def write_audit(folder: Path, audit: Audit, cell: GridCell) -> list[Path]:
    """Write ``audit.csv``, a row a finding, and ``audit.json``, with what was done; their paths."""
    rows = [_record(one) for one in audit.findings]
    table, whole = folder / "audit.csv", folder / "audit.json"
    write_csv(table, list(rows[0]) if rows else [], (_cells(row) for row in rows))
    write_json(
        whole,
        {
            "cell": cell.axes,
            "confidence": 1 - ALPHA,
            "shadows": audit.effort.shadows,
            "attacked": audit.effort.attacked,
            "draw": audit.effort.draw,
            "findings": rows,
            "left_out": audit.left_out,
        },
    )
    return [table, whole]


def _record(found: Finding) -> dict[str, Any]:
    claim, guessed, test = found.claim, found.guessed, found.test
    rates = {
        f"tpr_at_{name}{end}": getattr(rate, field)
        for name, rate in (("0.001", test.at_thousandth), ("0.01", test.at_hundredth))
        for end, field in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    return {
        "source": found.source,
        "mechanism": claim.mechanism,
        "of": claim.of,
        "unit": claim.unit,
        "fates": claim.fates,
        "seen": found.seen,
        "claimed_epsilon": claim.epsilon,
        "delta": claim.delta,
        "epsilon_at_least": guessed.epsilon,
        "right": guessed.right,
        "made": guessed.made,
        "canaries": guessed.canaries,
        "ceiling": guessed.ceiling,
        "verdict": verdict(found),
        "auc": test.auc,
        **rates,
        "implied_epsilon": test.epsilon,
    }


def _cells(row: dict[str, Any]) -> list[Any]:
    """What a CSV file has: nothing where there is no number."""
    return ["" if value is None or value != value else value for value in row.values()]


def _epsilon(value: float) -> str:
    return plain(value, 2) if math.isfinite(value) else "–"


def _rate(rate: Rate) -> str:
    """A share with its interval, in per cent."""
    if math.isnan(rate.value):
        return NOT_ENOUGH
    return f"{rate.value:.1%} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
