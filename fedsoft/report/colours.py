"""The colours of a report: the compared pair stands out, in every figure and table, and the rest are grey."""

from collections.abc import Sequence

INK, GREY, FAINT, RULE = "#1b1f24", "#6b7480", "#b8c0c9", "#e7eaee"
BACKDROP = "#d3d9e0"
"""Of all the other sources, behind the one that is meant."""
STRONG = "#c44900"
"""Of the source on trial, and of nothing else but what is said of it."""

PALETTE = (STRONG, "#0072b2", "#117733", "#aa4499", "#7a6a53", "#44aa99")
"""For the few things that are compared outside a study's pair; told apart by the colour-blind."""


def colours_of(sources: Sequence[str], source: str, baseline: str) -> dict[str, str]:
    """A colour a source: strong for the one on trial, ink for its baseline, grey for the rest."""
    pair = {source: STRONG, baseline: INK}
    return {name: pair.get(name, GREY) for name in sources}
