"""Tables of effects, and what each effect means."""

from fedsoft.analysis.effects import VIEWS as ORDER
from fedsoft.analysis.effects import View
from fedsoft.analysis.estimates import CONTRAST, HARDEST, MARGIN_CONTRAST, REST, Estimate
from fedsoft.analysis.values import MARGIN
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table, effect_cell
from fedsoft.report.words import STRATA, VIEWS

MEANINGS = {
    "amount": "how much softness each of the {noun} has, whatever classes it goes to",
    "classes": "which classes the softness goes to",
    "place": "softness on the {noun} where people disagree, not on others of the same label",
    "softness": "soft labels without a change of mode (amount + classes)",
    "mode": "the mode alone: people's choice for the label",
    "interaction": "mode and softness together, beyond the sum of the two",
    "sampling": "the noise of few votes",
    "carelessness": "annotators' slips, given the stated anchor",
}


def meaning(name: str, formula: str, noun: str) -> str:
    """What an effect of the chain is, in one line; the noun is what the data's items are called."""
    if name in MEANINGS:
        return f"{MEANINGS[name].format(noun=noun)}: {formula}"
    return ""  # "a − b" says it all


def effects_table(shown: Shown, metric: str, reference: str) -> Table:
    """Every effect on a metric under the primary strategy: by view and stratum, and its price elsewhere.

    A temperature changes no predicted class: accuracy has one view.
    """
    easy = "unanimous" if "unanimous" in shown.strata else REST
    kept: tuple[View, ...] = ("raw",) if metric == "accuracy" else ORDER
    views = {view: VIEWS[view] for view in kept if view in {row.view for row in shown.cell.estimates}}
    one: View = "raw" if metric == "accuracy" else "equal_confidence"
    wanted = [
        *(("all", view) for view in views),
        *((HARDEST, view) for view in views),
        *((stratum, one) for stratum in (CONTRAST, easy, MARGIN, MARGIN_CONTRAST)),
    ]
    wanted = [(stratum, view) for stratum, view in wanted if stratum in shown.strata]
    groups: dict[str, int] = {"": 1}
    for stratum, _ in wanted:
        title = f"price on easy: {STRATA[easy]}" if stratum == easy else STRATA[stratum]
        groups[title] = groups.get(title, 0) + 1
    rows = [
        [
            Cell(name, meaning(name, formula, shown.noun)),
            *(
                _effect(shown, shown.estimate(name, view, reference, metric, stratum))
                for stratum, view in wanted
            ),
        ]
        for name, formula in shown.effects.items()
    ]
    return Table(("effect", *(views[view] for _, view in wanted)), rows, tuple(groups.items()))


def _effect(shown: Shown, row: Estimate | None) -> Cell:
    return effect_cell(row, shown.cell.has_learned(row) if row else None)
