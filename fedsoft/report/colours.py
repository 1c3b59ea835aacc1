"""One colour a label source, in every figure and table of a report."""

from collections.abc import Sequence

INK, GREY, FAINT, RULE = "#1b1f24", "#6b7480", "#b8c0c9", "#e7eaee"

PALETTE = (
    "#332288", "#d55e00", "#117733", "#56b4e9", "#aa4499", "#999933",
    "#cc6677", "#44aa99", "#c9a227", "#882255", "#0072b2", "#7a6a53",
)  # fmt: skip
"""After Tol's "muted" and Okabe and Ito's colours, told apart by the colour-blind; pale ones darkened."""


def colours_of(sources: Sequence[str]) -> dict[str, str]:
    """A colour a source: ink for ``hard``, the baseline, and the palette in the study's order for the rest.

    From the thirteenth on, the palette repeats in paler tones.
    """
    others = [source for source in sources if source != "hard"]
    found = {source: _tone(number) for number, source in enumerate(others)}
    return {source: found.get(source, INK) for source in sources}


def _tone(number: int) -> str:
    colour, lap = PALETTE[number % len(PALETTE)], number // len(PALETTE)
    channels = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * 0.55**lap):02x}" for channel in channels)
