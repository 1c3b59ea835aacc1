"""Convergence: whether training has settled, and what stopping earlier would do."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fedsoft.analysis.curves import Curves
from fedsoft.report.colours import GREY, INK, RULE
from fedsoft.report.figures.multiples import backdrop, baseline_line, pair_and_rest, pair_marks
from fedsoft.report.figures.style import CALIBRATION, heading, style
from fedsoft.report.numbers import signed
from fedsoft.report.shown import Shown

TITLES = {
    "nll": "NLL (nats): lower is better",
    "accuracy": "accuracy: higher is better",
    "signed_gap": "mean confidence − share right (0: calibrated)",
}
FINEST = 20
"""Points of a line in the background."""


def convergence(shown: Shown, strategy: str) -> Figure | None:
    """The compared pair round by round on validation examples, a panel a figure; NLL of every other source.

    A diamond marks the round whose mean NLL over seeds is least.

    Returns:
        None where the runs have no validation examples.
    """
    curves = {
        source: shown.cell.curves[strategy, source]
        for source in shown.compared_first
        if (strategy, source) in shown.cell.curves
    }
    names = [name for name in TITLES if all(name in curve for curve in curves.values())]
    if not curves or not names:
        return None
    pair = [source for source in curves if source in shown.compared]
    rest = [source for source in curves if source not in shown.compared]
    with style():
        figure, large, small = pair_and_rest(len(names), rest)
        for axes, name in zip(large, names, strict=True):
            backdrop(axes, {source: _mean(curve, name, FINEST) for source, curve in curves.items()}, pair)
            for source in pair:
                rounds = curves[source]["round"][0]
                axes.plot(
                    rounds, curves[source][name].T, color=shown.colours[source], linewidth=0.6, alpha=0.4
                )
                axes.plot(*_mean(curves[source], name), color=shown.colours[source], linewidth=1.8, zorder=4)
            _frame(axes, [curve[name] for curve in curves.values()], TITLES[name])
            if name == "signed_gap":
                axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
                axes.set_ylabel(CALIBRATION)
        large[0].set_xlabel("round (thin: single seeds; ◆: the round that validation would choose)")
        for axes in large[1:]:
            axes.set_xlabel("round")
        if "nll" in names:
            within = large[0].get_ylim()
            _make_room(large[0])
            for height, source in zip((0.99, 0.88), pair, strict=False):
                _choice(large[0], curves[source], shown.colours[source], height)
            _constant(large[0], shown, strategy, within)
            lines = {source: _mean(curve, "nll", FINEST) for source, curve in curves.items()}
            for source, axes in small.items():
                backdrop(axes, lines, (source, *pair))
                for baseline in pair[:1]:
                    baseline_line(axes, lines[baseline])
                axes.plot(*_mean(curves[source], "nll"), color=GREY, linewidth=1.6, zorder=3)
                _diamond(axes, curves[source], GREY)
                axes.set(xlim=large[0].get_xlim(), ylim=within)
            if small:
                each = f"one other source a panel, over all the others; dashed: {pair[0]}" if pair else ""
                figure.supxlabel(f"{each}\nacross: round; up: NLL (nats)", color=INK, fontsize=8)
        heading(
            figure,
            f"Has training settled, and would stopping earlier do? Validation examples, under {strategy}",
            pair_marks(shown, list(curves), "the other sources, each with its NLL in a panel below"),
        )
    return figure


def _mean(curve: Curves, name: str, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Rounds and the mean over seeds; at so many of them at the most."""
    x, y = curve["round"][0], curve[name].mean(axis=0)
    if most is None or len(x) <= most:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, most).round().astype(int))
    return x[kept], y[kept]


def _frame(axes: Axes, values: list[np.ndarray], title: str) -> None:
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.set_title(title)
    axes.set_ylim(*_limits(values))
    axes.margins(x=0.02)


def _diamond(axes: Axes, curve: Curves, colour: str) -> int:
    """Mark the round that validation would choose; returns its number."""
    mean = curve["nll"].mean(axis=0)
    best = int(mean.argmin())
    axes.plot(curve["round"][0][best], mean[best], marker="D", markersize=5, color=colour,
              markeredgecolor="white", markeredgewidth=0.8, zorder=6, linestyle="none")  # fmt: skip
    return best


def _choice(axes: Axes, curve: Curves, colour: str, height: float) -> None:
    """Say which round validation would choose, for the mean and for single seeds, and what it would gain."""
    mean, rounds = curve["nll"].mean(axis=0), curve["round"][0]
    best = _diamond(axes, curve, colour)
    chosen = rounds[curve["nll"].argmin(axis=1)]
    seeds = f"{chosen.min():.0f}" + (f" to {chosen.max():.0f}" if chosen.max() > chosen.min() else "")
    gain = f"{signed(float(mean[best] - mean[-1]), 3)} against the last"
    last = best == len(mean) - 1
    axes.text(
        0.98, height, f"◆ {rounds[best]:.0f} of {rounds[-1]:.0f} rounds; single seeds: {seeds};\n"
        f"{'the last is the best' if last else gain}", transform=axes.transAxes,
        ha="right", va="top", color=colour, fontsize=7, zorder=7,
    )  # fmt: skip


def _make_room(axes: Axes) -> None:
    """Room above and below the curves for what is said of them."""
    low, high = axes.get_ylim()
    inner = (high - low) / (1 - ABOVE - BELOW)
    axes.set_ylim(low - BELOW * inner, high + ABOVE * inner)


ABOVE, BELOW = 0.24, 0.08
"""Shares of the panel that words take above and below its curves."""


def _constant(axes: Axes, shown: Shown, strategy: str, within: tuple[float, float]) -> None:
    """The test NLL of forecasting every example alike, in words, and as a line where it is in the picture."""
    wanted = strategy, "raw", "label", "nll"
    found = {
        row.constant
        for row in shown.cell.learned
        if (row.strategy, row.view, row.reference, row.metric) == wanted
    }
    if not found:
        return
    constant = found.pop()  # the same for all sources
    text = f"a constant forecast (test examples): {constant:.2f}"
    if within[0] <= constant <= within[1]:
        axes.axhline(constant, color=GREY, linewidth=0.9, linestyle=(0, (6, 2)), zorder=2)
        text = f"dashed: {text}"
    axes.text(0.98, 0.02, text, transform=axes.transAxes, ha="right", color=GREY, fontsize=6.5, zorder=5)


def _limits(values: list[np.ndarray]) -> tuple[float, float]:
    """A range that shows where training goes: the first fifth of the rounds may leave it."""
    late = np.concatenate([curve[:, max(1, curve.shape[1] // 5) :].ravel() for curve in values])
    low, high = float(late.min()), float(late.max())
    pad = 0.05 * max(high - low, 1e-3)
    return low - pad, high + pad
