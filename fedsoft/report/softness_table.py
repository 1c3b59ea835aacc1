"""What the noise of private labels does to the softness of targets."""

from collections.abc import Sequence

from fedsoft.report.numbers import plain
from fedsoft.report.shown import Shown, axes_name
from fedsoft.report.tables import Cell, Table
from fedsoft.supervision.noise_matched import label_of_control
from fedsoft.supervision.softness import Softness, Stage

TOLD: tuple[tuple[Stage, tuple[str, ...], str], ...] = (
    ("clear", ("entropy", "top_mass"), "in the clear"),
    ("uncorrected", ("entropy", "top_mass", "dose"), "with noise"),
    ("corrected", ("dose",), "corrected"),
    ("trained", ("entropy", "top_mass", "dose"), "trained on"),
)
CONTROL = ("entropy", "top_mass")
HEADS = {"entropy": "entropy", "top_mass": "top mass", "dose": "moved"}
ALIKE = 0.02
"""Targets whose mean entropies differ by less (nats) are called as soft as each other."""


def softness_table(cells: Sequence[Shown]) -> Table | None:
    """Every source's targets, stage by stage, in every cell where they are private; None where in none."""
    rows: list[Sequence[Cell]] = []
    for shown in cells:
        found = _private(shown)
        if found and shown.cell.axes:
            rows.append([Cell(axes_name(shown.cell.axes))])
        for source, stages in found.items():
            figures = [
                Cell(plain(stages[stage][name]) if name in stages.get(stage, {}) else "–")
                for stage, names, _ in TOLD
                for name in names
            ]
            control = shown.cell.targets.get(label_of_control(source))
            expected = [Cell(plain(control.summary[name]) if control else "–") for name in CONTROL]
            rows.append([Cell(source, colour=shown.colours[source]), *figures, *expected])
    if not rows:
        return None
    groups = (("", 1), *((title, len(names)) for _, names, title in TOLD), ("control", len(CONTROL)))
    columns = [name for _, names, _ in TOLD for name in names]
    return Table(("source", *(HEADS[name] for name in (*columns, *CONTROL))), rows, groups)


def softness_note() -> str:
    """What the columns are."""
    return (
        "Means over training examples and seeds. With noise: targets of the answers as they are told. "
        "Corrected: their expectation is the target in the clear, but they may leave the simplex, where "
        "entropy means nothing. Entropy in nats; moved: total variation to the targets in the clear, of the "
        "same answers (0: the same, 1: nothing in common; more, off the simplex). Control: smoothed in the "
        "clear as much as the noise does it on average; of few answers, noise makes wrong targets rather "
        "than soft ones."
    )


def softness_sentence(cells: Sequence[Shown]) -> str:
    """What noise does to the targets of the source on trial, or else of the first that is private, where it
    does most."""
    found = [(shown, source, stages) for shown in cells for source, stages in _private(shown).items()]
    wanted = [one for one in found if one[1] == one[0].compared[0]] or found
    known = [one for one in wanted if all("entropy" in one[2][stage] for stage in ("uncorrected", "trained"))]
    if not known:
        return ""
    shown, source, stages = max(known, key=lambda one: one[2]["uncorrected"]["dose"])
    clear, told, trained = (stages[stage]["entropy"] for stage in ("clear", "uncorrected", "trained"))
    where = f" (at {axes_name(shown.cell.axes)})" if shown.cell.axes else ""
    return (
        f"Noise alone makes the targets of {source} {_beside(told, clear)} in the clear, {plain(clear)} → "
        f"{plain(told)} nats{where}; those trained on are {_beside(trained, clear)} in the clear, "
        f"{plain(trained)} nats, and {100 * stages['trained']['dose']:.0f} % of their mass lies where people "
        "did not put it."
    )


def _beside(one: float, other: float) -> str:
    if abs(one - other) < ALIKE:
        return "as soft as"
    return "softer than" if one > other else "sharper than"


def _private(shown: Shown) -> dict[str, Softness]:
    """The sources of a cell whose targets are made of private answers, each once: rivals share them."""
    return {
        source: target.softness
        for source, target in shown.cell.targets.items()
        if target.softness and (chosen := shown.arms[source].source) and chosen.label() == source
    }
