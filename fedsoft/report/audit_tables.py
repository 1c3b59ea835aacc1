"""What an audit of privacy found: on a terminal, as files, and as an error."""

import math
from collections.abc import Sequence
from itertools import groupby
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
UNITS = {"vote": "a vote", "image": "an image", "example": "an example", "client": "a client"}


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
    """Bounds on ε by claim and by what the attacker sees."""
    rows: list[Sequence[Cell]] = []
    for head, findings in groupby(audit.findings, _claimed):
        rows.append([Cell(head)])
        for one in findings:
            guessed = one.guessed
            rows.append(
                [
                    Cell(SEES[one.seen]),
                    Cell("none" if one.claim.epsilon is None else _epsilon(one.claim.epsilon)),
                    Cell(_epsilon(guessed.epsilon), strong=one.contradicts),
                    Cell(f"{guessed.right:,} of {guessed.made:,}"),
                    Cell(_epsilon(guessed.ceiling)),
                    Cell(verdict(one), strong=one.contradicts),
                ]
            )
    columns = ("the attacker sees", "claim ε", "ε at least", "guesses right", "ceiling", "verdict")
    return Table(columns, rows, prose=(0, 5))


def rates_table(audit: Audit) -> Table:
    """Rates of the likelihood ratio test, by claim and by what the attacker sees."""
    rows: list[Sequence[Cell]] = []
    for head, findings in groupby(audit.findings, _claimed):
        rows.append([Cell(head)])
        for one in findings:
            test = one.test
            texts = [SEES[one.seen], plain(test.auc), _rate(test.at_thousandth), _rate(test.at_hundredth)]
            rows.append([Cell(text) for text in (*texts, _epsilon(test.epsilon))])
    columns = ("the attacker sees", "AUC", "found at 0.1 % false", "found at 1 % false", "implied ε")
    return Table(columns, rows)


def verdict(found: Finding) -> str:
    """What a bound says, in plain words."""
    claim, guessed = found.claim.epsilon, found.guessed
    if found.contradicts:
        return "leaks more than is claimed"
    if claim is None:
        return f"nothing claimed; {guessed.epsilon / guessed.ceiling:.0%} of the ceiling leaks"
    if guessed.ceiling <= claim:
        return "no test: the ceiling is below the claim"
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
        "Ceiling: what so many canaries could have shown at most, were all guesses right. A low bound from "
        "few canaries, or by a weak attack, is no evidence of privacy.",
        "The rates and their ε take the canaries of a model for independent trials; the bounds do not, and "
        "verdicts rest on bounds alone.",
    ]
    return [*said, *(f"Not audited: {line}" for line in audit.left_out)]


def contradictions(audit: Audit) -> list[str]:
    """An error for each claim that is refuted."""
    return [
        f"{one.source} leaks more of {UNITS[one.claim.unit]} than its privacy claims: ε is at least "
        f"{_epsilon(one.guessed.epsilon)} by {SEES[one.seen]}, and {one.claim.mechanism} claims "
        f"{_epsilon(one.claim.epsilon or 0.0)}; do not rely on this ε, and look for answers that are used "
        "twice or in the clear."
        for one in audit.findings
        if one.contradicts
    ]


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


def _claimed(found: Finding) -> str:
    """What a source claims, or that it does not."""
    claim = found.claim
    if claim.fates == "labels":
        what = f"which label {UNITS[claim.unit]} has"
    else:
        what = f"whether {UNITS[claim.unit]} takes part"
    if claim.epsilon is None:
        return f"{found.source}: {what}; nothing is claimed"
    delta = f", δ = {claim.delta:g}" if claim.delta else ""
    return f"{found.source}: {what}; {claim.mechanism} claims ε = {claim.epsilon:g}{delta}"


def _epsilon(value: float) -> str:
    return plain(value, 2) if math.isfinite(value) else "–"


def _rate(rate: Rate) -> str:
    """A share with its interval, in per cent."""
    if math.isnan(rate.value):
        return NOT_ENOUGH
    return f"{rate.value:.1%} ({100 * rate.low:.1f} to {100 * rate.high:.1f})"
