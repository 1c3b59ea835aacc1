"""The table of stability: how far seeds disagree on the same images, and how fast they get there."""

import math

from fedsoft.analysis.stability import MEASURES, WITHIN, Progress, Stability, Steadiness
from fedsoft.report.numbers import NOT_ENOUGH, interval, plain, signed
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table

UNITS = {
    "sets": "leaving out one fold's seeds in turn",
    "repetitions": "leaving out one seed in turn, with the variance over examples added",
    "images": "over examples alone, since few seeds share a fold, so they say nothing about other seeds",
}


def stability_table(shown: Shown) -> Table:
    """Every source under the primary strategy."""
    rows = []
    for source in shown.sources:
        found = _found(shown, source)
        cells = [Cell("–")] * len(MEASURES)
        if found and found.steadiness:
            cells = [_measure(shown, found.steadiness, name, source) for name in MEASURES]
        rows.append(
            [
                Cell(source, colour=shown.colours[source]),
                *cells,
                *_progress(found.progress if found else None),
            ]
        )
    columns = (
        "churn",
        "variance",
        "variance at\nequal confidence",
        "rounds to\ntarget",
        "final NLL,\nspread",
    )
    return Table(("source", *columns), rows)


def _measure(shown: Shown, found: Steadiness, name: str, source: str) -> Cell:
    """A measure with its interval; of others than the baseline, its difference from that."""
    value, low, high = getattr(found, name)
    if source == shown.study.baseline:
        return Cell(plain(value, 4), interval(low, high, 4))
    apart, least, most = found.less[name]
    small = f"{signed(apart, 4)} ({interval(least, most, 4)})"
    return Cell(plain(value, 4), small, strong=least > 0 or most < 0)


def _progress(found: Progress | None) -> tuple[Cell, Cell]:
    if found is None:
        return Cell("–"), Cell("–")
    some = f"{found.reached} of {found.seeds} seeds get there" if found.reached < found.seeds else ""
    rounds = "–" if math.isnan(found.rounds_to_target) else plain(found.rounds_to_target, 1)
    return Cell(rounds, some), Cell(NOT_ENOUGH if math.isnan(found.spread) else plain(found.spread, 4))


def stability_note(shown: Shown) -> str:
    """What the table shows, and what its intervals rest on."""
    steady = [
        found.steadiness for name in shown.sources if (found := _found(shown, name)) and found.steadiness
    ]
    compared = "No two seeds predict the same examples, so that nothing is known of churn and variance. "
    if steady:
        pairs, unit = steady[0].pairs, UNITS[steady[0].unit]
        base = shown.study.baseline
        who = f"{pairs} pairs of seeds" if pairs > 1 else "the two seeds"
        compared = (
            f"Over {who} that predict the same examples: churn is the share of examples whose predicted "
            "class differs, variance that of predictions, summed over classes; at equal confidence, every "
            f"run is tempered to the mean confidence of {base}, since softer models vary less anyway. "
            f"Small: the difference from {base}, example by example and pair by pair (bold: its interval "
            f"excludes zero); for {base} the interval of its level. 95 % intervals {unit}. "
        )
    return (
        f"Under {shown.primary}. {compared}Rounds to target: the first round whose validation NLL is within "
        f"{WITHIN:g} nats of the best that any source reaches in that seed, averaged over seeds; – where a "
        "seed never gets there. Spread: standard deviation of the final validation NLL over seeds."
    )


def _found(shown: Shown, source: str) -> Stability | None:
    return shown.cell.stability.get((shown.primary, source))
