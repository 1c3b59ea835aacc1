"""Who held what: a row a client, a column a class, beside its examples and how good its annotation is."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fedsoft.analysis.holdings import Holdings
from fedsoft.annotators import SimulatedCrowd
from fedsoft.annotators.crowds import Population
from fedsoft.plural import plural
from fedsoft.report.colours import BACKDROP, GREY, INK, RULE
from fedsoft.report.figures.style import WIDTH, heading, style
from fedsoft.report.numbers import NOT_ENOUGH
from fedsoft.report.shown import Shown

MOST = 60
"""Rows; of more clients, each row is the mean of several."""
WRITTEN = 14
"""Classes whose numbers fit into their columns."""
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#39485a"])
ROW, LINE, GAP = 0.19, 0.145, 0.16
"""Heights in inches: of a row, of a line of type, and between parties."""


@dataclass(frozen=True)
class Block:
    """The rows of one party, at their heights in inches from the top.

    Attributes:
        members: for each row, the clients of which it is the mean.
        words: what sets the party apart, a line each.
        top: where its first row begins.
    """

    members: list[np.ndarray]
    words: list[str]
    top: float

    @property
    def middles(self) -> np.ndarray:
        """(rows,) the middle of each row."""
        return self.top + ROW * (np.arange(len(self.members)) + 0.5)

    @property
    def end(self) -> float:
        """Where its rows or its words end."""
        return self.top + max(ROW * len(self.members), LINE * len(self.words))


def holdings(shown: Shown) -> Figure | None:
    """Examples by client and class, and in all, and the share of each client's answers that is right."""
    held = shown.cell.holdings
    if held is None:
        return None
    blocks = blocks_of(held, shown)
    height = blocks[-1].end
    with style():
        figure = Figure(figsize=(WIDTH, height + 1.45))
        wide = min(0.42 * held.counts.shape[1], 6.0)
        grid = figure.subplots(1, 3, squeeze=False, width_ratios=(wide, 1.2, 2.4))[0]
        for axes in grid:
            axes.set_ylim(height + 0.05, -0.05)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        _classes(grid[0], held, blocks)
        _examples(grid[1], held, blocks)
        _quality(grid[2], held, blocks, _others(held, shown))
        dot: dict[str, Any] = {"linestyle": "none", "markersize": 5}
        marks: dict[str, Artist] = {
            f"examples of a class (darkest: {_darkest(held, blocks):,.0f})": Patch(color=SHADES(0.7)),
            "answers that are the label": Line2D([], [], marker="o", color=INK, **dot),
        }
        if _others(held, shown):
            marks[f"answers that are the majority of all votes ({shown.crowd_name})"] = Line2D(
                [], [], marker="D", markeredgecolor=GREY, markerfacecolor="none", **dot
            )
        rows = sum(len(block.members) for block in blocks)
        each = f" (each row the mean of about {len(held) / rows:.1f})" if rows < len(held) else ""
        heading(
            figure,
            f"Who held what: {plural(len(held), 'client')}{each}, their training examples, and how much of "
            "their annotation is right",
            marks,
        )
    return figure


def blocks_of(held: Holdings, shown: Shown) -> list[Block]:
    """The parties, those that are named first; within each the clients with the best annotation first."""
    blocks: list[Block] = []
    quality = np.nan_to_num(held.quality["label"], nan=-1.0)
    top = 0.0
    for number in sorted(held.parties, key=lambda one: (one < 0, one)):
        mine = np.flatnonzero(held.party == number)
        mine = mine[np.argsort(-quality[mine], kind="stable")]
        rows = len(mine) if len(held) <= MOST else max(1, round(MOST * len(mine) / len(held)))
        blocks.append(Block(np.array_split(mine, rows), words_of(held, number, shown), top))
        top = blocks[-1].end + GAP
    return blocks


def words_of(held: Holdings, number: int, shown: Shown) -> list[str]:
    """How many clients a party has, who annotates for them, how many votes, and what they train on."""
    party, source = held.parties[number], held.source_of(number)
    lines = [plural(int((held.party == number).sum()), "client")]
    if source.needs_votes:
        if party.crowd is not None:
            lines += _people(party.crowd)
            lines.append(f"{plural(party.votes or party.crowd.people, 'answer')} an example")
        else:
            if party.noise.label() != "none":
                lines.append(party.noise.label())
            votes = plural(party.votes, "vote") if party.votes else "all votes"
            lines.append(f"{votes} ({shown.crowd_name})")
    return [*lines, f"train on {source.label()}"]


def _people(crowd: SimulatedCrowd) -> list[str]:
    """Simulated people and what is not usual of them, a line each."""
    kind, people = type(crowd), plural(crowd.people, "person", "people")
    if kind is not Population:
        people = f"{crowd.people} {kind.name}" if kind.name.endswith("s") else f"{people}, {kind.name}"
    fields = kind.model_fields
    told = [f"{key} {value}" for key, value in crowd if key != "people" and value != fields[key].default]
    return [f"simulated: {people} each", *told]


def _others(held: Holdings, shown: Shown) -> bool:
    """Whether there is a majority of votes that is not the label itself."""
    return "majority" in held.quality and not shown.labels_are_majority


def _means(values: np.ndarray, block: Block) -> np.ndarray:
    """(rows, …) means over each row's clients of which the value is known; NaN where it is of none."""
    found = []
    for members in block.members:
        some = values[members]
        known = some[~np.isnan(some)] if some.ndim == 1 else some
        found.append(known.mean(axis=0) if len(known) else np.nan)
    return np.array(found)


def _darkest(held: Holdings, blocks: list[Block]) -> float:
    return max(float(_means(held.counts, block).max()) for block in blocks)


def _classes(axes: Axes, held: Holdings, blocks: list[Block]) -> None:
    classes, darkest = held.counts.shape[1], _darkest(held, blocks)
    single = all(len(members) == 1 for block in blocks for members in block.members)
    for block in blocks:
        means = _means(held.counts, block)
        edges = block.top + ROW * np.arange(len(means) + 1)
        axes.pcolormesh(
            np.arange(classes + 1) - 0.5, edges, means, cmap=SHADES, vmin=0, vmax=darkest or 1,
            edgecolors="face", linewidth=0.1,
        )  # fmt: skip
        for height, row, members in zip(block.middles, means, block.members, strict=True):
            if single:
                axes.annotate(
                    str(members[0]), (0, height), xycoords=("axes fraction", "data"), xytext=(-4, 0),
                    textcoords="offset points", ha="right", va="center", fontsize=6, color=GREY,
                )  # fmt: skip
            for c, value in enumerate(row if classes <= WRITTEN else ()):
                if single or value >= 0.5:
                    axes.text(
                        c, height, f"{value:.0f}", ha="center", va="center", fontsize=6.2,
                        color="white" if value > 0.55 * darkest else INK if value else RULE,
                    )  # fmt: skip
        axes.annotate(
            "\n".join(block.words), (0, block.top), xycoords=("axes fraction", "data"), xytext=(-24, 0),
            textcoords="offset points", ha="right", va="top", fontsize=7.5, linespacing=1.25,
        )  # fmt: skip
    axes.set(xlim=(-0.5, classes - 0.5), ylim=(blocks[-1].end + 0.05, -0.05), yticks=[])
    if single:
        axes.annotate(
            "client", (0, 1), xycoords="axes fraction", xytext=(-4, 2), textcoords="offset points",
            ha="right", va="bottom", fontsize=6, color=GREY,
        )  # fmt: skip
    names = list(held.class_names)
    if sum(map(len, names)) <= 70:
        axes.set_xticks(range(classes), names)
    elif classes <= WRITTEN + 6:
        axes.set_xticks(range(classes), names, rotation=90)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(axis="x", length=0)
    axes.set_xlabel("class, by the dataset's label")
    axes.set_title("examples of each class")
    for spine in axes.spines.values():
        spine.set_visible(False)


def _examples(axes: Axes, held: Holdings, blocks: list[Block]) -> None:
    total = held.counts.sum(axis=1)
    for block in blocks:
        means = _means(total, block)
        axes.barh(block.middles, means, height=0.6 * ROW, color=BACKDROP)
        for height, value in zip(block.middles, means, strict=True):
            axes.annotate(
                f"{value:,.0f}", (value, height), xytext=(2, 0), textcoords="offset points", va="center",
                fontsize=6.5,
            )  # fmt: skip
    axes.set(xlim=(0, 1.35 * max(total.max(), 1)), yticks=[], xticks=[], title="examples")
    axes.spines["bottom"].set_visible(False)


def _quality(axes: Axes, held: Holdings, blocks: list[Block], others: bool) -> None:
    for block in blocks:
        axes.hlines(block.middles, 0, 1, colors=RULE, linewidth=0.5, zorder=0)
        if others:
            found = _means(held.quality["majority"], block)
            axes.scatter(
                found, block.middles, s=24, marker="D", facecolors="none", edgecolors=GREY, linewidths=0.8
            )
        found = _means(held.quality["label"], block)
        axes.scatter(found, block.middles, s=22, color=INK, zorder=3)
        for height, value in zip(block.middles, found, strict=True):
            axes.annotate(
                NOT_ENOUGH if np.isnan(value) else f"{value:.0%}".replace("%", " %"), (1.05, height),
                va="center", fontsize=6.5, annotation_clip=False,
            )  # fmt: skip
    axes.set(xlim=(-0.02, 1.02), yticks=[], title="share of its answers that is right")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
