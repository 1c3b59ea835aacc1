"""How the maps of the training examples go with people's uncertainty."""

from fedsoft.analysis.cartography import PEOPLE, QUANTITIES, Atlas, Correlation
from fedsoft.report.numbers import interval, signed
from fedsoft.report.shown import Shown
from fedsoft.report.tables import Cell, Table


def cartography_table(shown: Shown, atlas: Atlas) -> Table:
    """Rank correlations of each source's map with people's uncertainty, under the primary strategy."""
    found = {(row.source, row.strategy, row.quantity): row for row in atlas.correlations}
    rows = [
        [
            Cell(source, colour=shown.colours[source]),
            *(_cell(found[source, shown.primary, name]) for name in QUANTITIES),
        ]
        for source in shown.sources
        if (shown.primary, source) in atlas.maps
    ]
    return Table(("source", *QUANTITIES), rows)


def cartography_note(shown: Shown, atlas: Atlas) -> str:
    """What the table compares, and how far people agree with themselves."""
    crowd = shown.crowd_name
    which = (
        f"votes that no client bought ({crowd})"
        if atlas.votes == "unseen"
        else f"the votes that clients trained on ({crowd}), since they bought all there are"
    )
    halves = "the bought votes and these" if atlas.votes == "unseen" else "two random halves of these votes"
    people = next(row for row in atlas.correlations if row.source == PEOPLE)
    return (
        f"Spearman's correlation, over training examples, with the entropy of {which}; mean over seeds and "
        f"95 % interval by Student's t over seeds, under {shown.primary}. Confidence: mean over rounds of "
        "the global model's probability of the dataset's label; variability: its standard deviation over "
        "rounds; correctness: share of rounds in which the label was the most probable class. People's own "
        f"reliability, the correlation of the entropies of {halves}: "
        f"{_text(people)}. It shows how far as many other people agree, and is no strict bound."
    )


def _cell(row: Correlation) -> Cell:
    return Cell(signed(row.correlation), interval(row.low, row.high))


def _text(row: Correlation) -> str:
    return f"{signed(row.correlation)} ({interval(row.low, row.high)})"
