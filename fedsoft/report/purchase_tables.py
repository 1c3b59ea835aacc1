"""Tables of what to buy, and of any two arms."""

from fedsoft.analysis.pairs import PAIRED, VIEWS_OF_PAIRS, Pair, Purchase
from fedsoft.report.numbers import amount, duration, plain, signed
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table

THOUSANDTHS = 1000


def purchase_table(shown: Shown, plan: Purchase) -> Table:
    """Every arm for one goal, the best first, with what it costs and whether it is as good as the best."""
    rows = []
    for offer in plan.offers:
        votes = amount(offer.price.votes) if offer.price.votes else "none"
        borrowed = "a rate borrowed" if shown.borrows(offer.source) and not offer.price.votes else ""
        verdict = "the best" if offer is plan.best else "as good" if offer.as_good else "not shown to be"
        if offer is plan.simplest:
            verdict += ", but not beaten, and simpler"
        elif offer is plan.choice:
            verdict += ", cheapest"
        rows.append(
            [
                Cell(offer.source, shown.gloss(offer.source), colour=shown.colours[offer.source]),
                Cell(plain(offer.level)),
                Cell("" if offer is plan.best else signed(offer.excess)),
                Cell("" if offer is plan.best else signed(offer.high)),
                Cell(votes, borrowed),
                Cell(duration(offer.price.seconds) if offer.price.seconds >= 1 else "under 1 s"),
                Cell(verdict, strong=offer is plan.choice),
            ]
        )
    unit = {"brier": "Brier", "nll": "NLL"}[plan.metric]
    return Table(
        ("arm", unit, "above\nthe best", "at most", "votes", "compute\na run", "as good as the best?"),
        rows,
        prose=(0, 6),
    )


def kind_of_pairs(shown: Shown) -> tuple[str, str, str] | None:
    """View, reference and metric of the pairs that are shown: the endpoint's, where pairs have them."""
    endpoint = shown.study.endpoint
    view = endpoint.view if endpoint and endpoint.view in VIEWS_OF_PAIRS else "equal_confidence"
    wanted = (shown.reference, endpoint.metric if endpoint else "brier")
    reference, metric = wanted if wanted in PAIRED else (shown.reference, "brier")
    kinds = {(row.view, row.reference, row.metric) for row in shown.cell.pairs}
    for kind in ((view, reference, metric), (view, "label", "brier"), ("raw", "label", "brier")):
        if kind in kinds:
            return kind
    return None


def pairs_table(shown: Shown, kind: tuple[str, str, str]) -> Table:
    """Every arm less every other, in thousandths; strong where better or worse beyond their number."""
    numbers = {source: str(n + 1) for n, source in enumerate(shown.sources)}
    found: dict[tuple[str, str], Pair] = {}
    for row in shown.cell.pairs:
        if (row.view, row.reference, row.metric) == kind:
            found[row.source, row.other] = row
            found[row.other, row.source] = row.turned()
    rows = [
        [
            Cell(f"{numbers[source]} {source}", colour=shown.colours[source]),
            *(_cell(found.get((source, other))) for other in shown.sources),
        ]
        for source in shown.sources
    ]
    return Table(("this − that", *numbers.values()), rows)


def _cell(row: Pair | None) -> Cell:
    if row is None:
        return Cell("")
    mark = "≈" if row.verdict == "as good" else ""
    return Cell(mark + signed(THOUSANDTHS * row.estimate, 0), strong=row.verdict in ("better", "worse"))
