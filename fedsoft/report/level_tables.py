"""Tables of levels: every source under one strategy, and under all of them; every cell of a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.estimates import CONTRAST
from fedsoft.report.numbers import NOT_ENOUGH, amount, interval, plain, reach, signed, within_reach
from fedsoft.report.shown import Shown, axes_name, value_name
from fedsoft.report.tables import Cell, Table, level_cell
from fedsoft.report.words import METRICS

UNITS = {
    "vote": "a vote", "image": "an example", "annotator": "an annotator", "client": "a client",
    "example": "an example",
}  # fmt: skip
"""What label privacy may protect, as a figure of ε names it."""

LEVELS = ("accuracy", "nll", "brier", "signed_gap")


def result_table(cells: Sequence[Shown]) -> Table:
    """Every source under the primary strategy, cell by cell: quality, calibration, agreement, and cost."""
    first = cells[0]
    private = any(target.privacy for shown in cells for target in shown.cell.targets.values())
    columns = ["source", "accuracy", "NLL", "Brier", "signed\ngap"]
    columns += ["gap,\nhardest\n− rest*"] * (CONTRAST in first.strata) + ["ECE (by\nchance)"]
    columns += ["KL to\npeople"] * ("vote" in first.references) + ["churn"] * _has_churn(cells)
    columns += ["votes\nbought"]
    columns += ["privacy"] * private
    rows: list[Sequence[Cell]] = []
    for shown in cells:
        if len(cells) > 1:
            rows.append([Cell(axes_name(shown.cell.axes))])
        rows += [_result_row(shown, source, private, _has_churn(cells)) for source in shown.sources]
        if "kl" in shown.cell.bounds:
            rows += [_bound_row(shown, columns, place) for place in (1, 0)]
    return Table(tuple(columns), rows, prose=(0, len(columns) - 1) if private else (0,), fine=True)


def result_note(cells: Sequence[Shown]) -> str:
    """What the columns and rows of the results are, those that there are."""
    first = cells[0]
    said = ["Signed gap: mean confidence − share right (above 0: overconfident)."]
    if CONTRAST in first.strata:
        said.append("* on the hardest fifth less that on the rest, at equal mean confidence.")
    said.append("ECE: calibration error (by chance: what it would be were the confidences true).")
    if "vote" in first.references:
        said.append(f"KL: from the votes ({first.crowd_name}) to the prediction, in nats.")
    if any("kl" in shown.cell.bounds for shown in cells):
        said.append("Ceiling: a perfect model, at so many votes; floor: what sees the predicted class alone.")
    if _has_churn(cells):
        said.append("Churn: share on which two seeds predict unlike classes.")
    said.append("Votes bought: a seed, over all clients.")
    if any(_is_borrowed(shown, source) for shown in cells for source in shown.sources):
        said.append("A rate borrowed: as soft as people are on average, for which no votes are counted.")
    return " ".join(said)


def _is_borrowed(shown: Shown, source: str) -> bool:
    target = shown.cell.targets.get(source)
    return target is not None and not target.votes_bought and shown.borrows(source)


def _has_churn(cells: Sequence[Shown]) -> bool:
    return any(found.steadiness for shown in cells for found in shown.cell.stability.values())


def _bound_row(shown: Shown, columns: Sequence[str], place: int) -> list[Cell]:
    """The floor (0) or ceiling (1) of agreement with people, in the one column that has them."""
    title = ("floor", "ceiling")[place]
    bound = Cell(plain(shown.cell.bounds["kl"][place]))
    return [Cell(title), *(bound if name.startswith("KL") else Cell("") for name in columns[1:])]


def _result_row(shown: Shown, source: str, private: bool, with_churn: bool) -> list[Cell]:
    against = shown.reference
    row = [Cell(source, shown.gloss(source), colour=shown.colours[source])]
    row += [
        level_cell(shown.estimate(source, "raw", against, metric, "all"), metric == "signed_gap")
        for metric in LEVELS
    ]
    if CONTRAST in shown.strata:
        gap = shown.estimate(source, "equal_confidence", against, "signed_gap", CONTRAST)
        row.append(level_cell(gap, show_sign=True))
    ece = level_cell(shown.estimate(source, "raw", against, "ece", "all"))
    row.append(replace(ece, text=f"{ece.text} ({plain(shown.score(source, 'ece_floor', against))})"))
    if "vote" in shown.references:
        row.append(level_cell(shown.estimate(source, "raw", "vote", "kl", "all")))
    if with_churn:
        steady = shown.cell.stability[shown.primary, source].steadiness
        row.append(Cell(plain(steady.churn[0]), reach(*steady.churn[1:])) if steady else Cell("–"))
    target = shown.cell.targets.get(source)
    borrowed = "a rate borrowed" if _is_borrowed(shown, source) else ""
    row.append(Cell(amount(target.votes_bought) if target else NOT_ENOUGH, borrowed))
    return row + [Cell(privacy_of(shown, source))] * private


def privacy_of(shown: Shown, source: str) -> str:
    """What is private of an arm, or who sees its labels in the clear."""
    arm, target, privacy = shown.arms[source], shown.cell.targets.get(source), shown.study.privacy
    if target is None:
        return NOT_ENOUGH
    spent = privacy_note(target.privacy, privacy.labels.unit if privacy and privacy.labels else "vote")
    if arm.source and arm.source.in_the_clear:
        return f"in the clear: a control{f'; {spent}' * (spent != 'none')}"
    return f"your own model's: not known{f'; {spent}' * (spent != 'none')}" if arm.own else spent


def privacy_note(spent: Mapping[str, float | str], unit: str) -> str:
    """The privacy loss of an arm: of labels, first of the unit protected, of training and of calibration."""
    epsilon = {
        one: spent.get(f"epsilon_per_{one}_max") for one in (unit, "image" if unit == "vote" else "vote")
    }
    said = [f"{float(value):.3g} {UNITS[one]}" for one, value in epsilon.items() if value is not None]
    if said:
        beside = f" ({said[1]})" if len(said) > 1 else ""
        at = f", δ {float(spent['delta']):.1g}" if "delta" in spent else ""
        said = [f"ε {said[0]}{beside}{at}"]
    for one in ("client", "example"):
        if most := spent.get(f"model_epsilon_per_{one}_max"):
            delta = float(spent["model_delta"])
            said.append(f"training ε {float(most):.3g} {UNITS[one]} at δ {delta:.0e}")
    if "epsilon_calibration" in spent:
        said.append(f"ε {float(spent['epsilon_calibration']):.3g} a validation answer")
    return "; ".join(said) or "none"


def strategy_table(shown: Shown) -> Table:
    """Every source under every strategy."""
    rows: list[Sequence[Cell]] = []
    for strategy in shown.strategies:
        rows.append([Cell(strategy)])
        for source in shown.sources:
            cells = [
                level_cell(
                    shown.estimate(source, "raw", shown.reference, metric, "all", strategy),
                    metric == "signed_gap",
                )
                for metric in LEVELS
            ]
            rows.append([Cell(source, colour=shown.colours[source]), *cells])
    return Table(("source", *(METRICS[metric] for metric in LEVELS)), rows, prose=(0,), fine=True)


def grid_table(result: Digest) -> Table:
    """Every source in every cell of the grid, under the primary strategy, by the endpoint's reference."""
    rows: list[Sequence[Cell]] = []
    axes = tuple(result.opened.plan.study.grid)
    for cell in result.cells:
        shown = Shown(result, cell)
        for source in shown.sources:
            levels = [
                level_cell(
                    shown.estimate(source, "raw", shown.reference, metric, "all"), metric == "signed_gap"
                )
                for metric in LEVELS
            ]
            values = [Cell(value_name(cell.axes[axis])) for axis in axes]
            rows.append(
                [
                    Cell(source, colour=shown.colours[source]),
                    *values,
                    *levels,
                    Cell(privacy_of(shown, source)),
                ]
            )
    columns = ("source", *axes, *(METRICS[metric] for metric in LEVELS), "privacy")
    return Table(columns, rows, prose=(0, len(columns) - 1))


def conclusions_table(result: Digest) -> Table:
    """The verdict on the endpoint in every cell of the grid."""
    axes, endpoint = tuple(result.opened.plan.study.grid), result.opened.plan.study.endpoint
    metric = endpoint.metric if endpoint else ""
    rows = [
        [
            *(Cell(value_name(found.axes[axis])) for axis in axes),
            Cell(signed(found.estimate)),
            Cell(interval(found.low, found.high)),
            Cell(
                found.verdict,
                found.obstacle.kind if found.obstacle else "",
                strong=found.verdict in ("better", "worse", "as good"),
            ),
            Cell(plain(found.smallest) if within_reach(found.smallest, metric) else "none"),
        ]
        for found in result.conclusions
    ]
    return Table((*axes, "effect", "95 % interval", "verdict", "smallest it\ncould see"), rows)
