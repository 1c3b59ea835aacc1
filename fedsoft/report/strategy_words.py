"""What a study says of its strategies, in words."""

import numpy as np

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.strategies import PARTITION, Comparison, Versus
from fedsoft.evaluation import critical_difference
from fedsoft.plural import plural
from fedsoft.report.numbers import figure, places_for, plain, within_reach
from fedsoft.report.shown import axes_name, reference_name
from fedsoft.report.strategy_tables import measure_name


def strategy_lead(result: Digest, found: Comparison) -> str:
    """Which strategies are told apart from the reference on the first measure, and what could have been."""
    measure, usual = found.measures[0], _usual(result, found)
    rows = [row for row in found.rows if row.measure == measure]
    others = [name for name in found.strategies if name != found.reference]
    against = reference_name(measure.reference, result.crowd)
    where = f"on {measure_name(measure)}, against {against}, trained on {found.source}"
    count, conditions = len(others), len(found.conditions)
    each = f" in any of {conditions} conditions" if conditions > 1 else ""
    if found.seeds == 1:
        return (
            f"With one seed nothing is decided between strategies: none is told apart from {usual} {where}."
        )
    told = {word: [row for row in rows if row.verdict == word] for word in ("better", "worse", "as good")}
    unclear = [row for row in rows if row.verdict.startswith("undecided")]
    could, barred = _could(unclear, conditions), _barred(rows, found.reference, conditions)
    if not any(told.values()):
        beside = f"Of {count} strategies none is" if count > 1 else f"The other strategy, {others[0]}, is not"
        return f"{'; '.join([f'{beside} told apart from {usual}{each} {where}', *could, *barred])}."
    said = [f"{_named(some, conditions)} {word}" for word, some in _clauses(told) if some]
    if unclear:
        many = "is" if len(unclear) == 1 else "are"
        undecided = f"{len(unclear)} of {plural(len(rows), 'comparison')} {many} undecided"
        said.append(f"{undecided}, where {' and '.join(could)}")
    said += barred
    lead = f"Of {count} strategies beside {usual}" if count > 1 else f"Beside {usual}"
    return f"{lead}, {where}: {'; '.join(said)}."


def _clauses(told: dict[str, list[Versus]]) -> list[tuple[str, list[Versus]]]:
    words = {"better": "better", "worse": "worse", "as good": "as good, within the margin"}
    return [
        (f"{'is' if len({row.strategy for row in some}) == 1 else 'are'} {words[word]}", some)
        for word, some in told.items()
    ]


def _could(unclear: list[Versus], conditions: int) -> list[str]:
    """The smallest differences that could have been seen; of some, none that there can be."""
    seen = [row for row in unclear if within_reach(row.smallest, row.measure.metric)]
    blind = [row for row in unclear if row not in seen]
    said = []
    if seen:
        span = _span([row.smallest for row in seen])
        said.append(f"the smallest difference that could have been seen is {span}")
    if blind:
        which = f"of {_counted(blind, conditions)} none could have been seen" if seen else ""
        said.append(which or "none could have been seen, however large")
    return said


def _barred(rows: list[Versus], reference: str, conditions: int) -> list[str]:
    """What has no verdict, and why."""
    said = []
    if same := [row for row in rows if row.verdict == "nothing was compared"]:
        its = "its" if len({row.strategy for row in same}) == 1 else "their"
        said.append(f"of {_counted(same, conditions)} nothing was compared: {its} models are {reference}'s")
    none = [row for row in rows if row.verdict == "no verdict"]
    for usual in (True, False):
        if some := [row for row in none if (reference in row.unlearned) == usual]:
            its = "its" if len({row.strategy for row in some}) == 1 else "their"
            whose = f"{reference}'s" if usual else its
            said.append(
                f"on {_counted(some, conditions)} there is no verdict: {whose} models are not shown to "
                "beat a constant forecast"
            )
    return said


def _named(rows: list[Versus], conditions: int) -> str:
    """Strategies with their differences, or with how many conditions they are so in."""
    if conditions == 1:
        return ", ".join(f"{row.strategy} ({figure(row)})" for row in rows)
    return _counted(rows, conditions)


def _counted(rows: list[Versus], conditions: int) -> str:
    """Strategies, with how many conditions they are so in, of several."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.strategy] = counts.get(row.strategy, 0) + 1
    if conditions == 1:
        return ", ".join(counts)
    return ", ".join(f"{name} (in {count} of {conditions} conditions)" for name, count in counts.items())


def _span(values: list[float]) -> str:
    least, most = (plain(value, places_for(min(values))) for value in (min(values), max(values)))
    return least if least == most else f"{least} to {most}, by strategy"


def _usual(result: Digest, found: Comparison) -> str:
    tuned = result.opened.plan.study.tuned
    return found.reference if tuned.startswith("not tuned") else f"tuned {found.reference}"


def strategy_notes(result: Digest, found: Comparison) -> list[str]:
    """How to read the comparison: how it was tuned, what has not learned, and how intervals were adjusted."""
    study = result.opened.plan.study
    several = f" and {len(found.conditions)} conditions" if len(found.conditions) > 1 else ""
    said = [
        f"Each strategy − {found.reference}, on the same images and seeds; below zero it is better. Equal "
        f"confidence: {found.reference}'s. In small type 95 % intervals, Holm-adjusted over strategies"
        f"{several}, measure by measure; bold: better or worse "
        "beyond doubt; ≈: as good within the margin; grey: no verdict, since one of the two is not shown to "
        "beat a constant forecast."
    ]
    if any(key.startswith("redraw.") for key in study.grid):
        said.append("Cells that only redraw chance are averaged, image by image and seed by seed.")
    if study.tuned.startswith("not tuned"):
        said.append(
            "The strategies were not tuned alike, so a difference may be one of learning rates; "
            "`fedsoft tune` tries as many for each, on other seeds."
        )
    else:
        said.append(f"Learning rates were chosen: {study.tuned}.")
    if lost := _not_learned(result, found):
        said.append(
            f"Not shown to beat a constant forecast, so that differences say little: {', '.join(lost)}."
        )
    return said


def _not_learned(result: Digest, found: Comparison) -> list[str]:
    reference = result.opened.plan.study.reference
    wanted = "raw", reference, "brier", found.source
    lost = {
        row.strategy
        for cell in result.cells
        for row in cell.learned
        if (row.view, row.reference, row.metric, row.source) == wanted and not row.beats_constant
    }
    return [name for name in found.strategies if name in lost]


def rank_lines(found: Comparison) -> list[str]:
    """Mean ranks, and what they can tell apart, if anything."""
    order = np.argsort(found.ranks, kind="stable")
    listed = ", ".join(f"{found.strategies[i]} {plain(float(found.ranks[i]), 2)}" for i in order)
    most = len(found.strategies) - 1
    said = [
        f"Mean ranks on {measure_name(found.measures[0])}, 1 being best, over {found.blocks} cells × sources "
        f"× seeds: {listed}."
    ]
    data = plural(found.data_sets, "independent data set")
    text = f"With N = {data}, ranks must differ by CD = {plain(found.critical, 2)} to be more than chance"
    if found.critical >= most:
        text += f" (Nemenyi), and at most they could by {most}: ranks cannot separate strategies here"
    else:
        spread = float(np.ptp(found.ranks))
        text += f" (Nemenyi); the best and the last differ by {plain(spread, 2)}"
    if found.data_sets < found.cells:
        were = critical_difference(len(found.strategies), found.cells)
        text += (
            f". Cells on the same data, sources and seeds are not independent; were the {found.cells} cells, "
            f"it would be {plain(were, 2)}"
        )
    return [*said, f"{text}."]


def luck_line(found: Comparison) -> str:
    """How much of a difference is luck of the partition, or how to know."""
    if not found.luck:
        return (
            "How much of a difference is luck of the partition is not known: every seed has one. "
            f'"{PARTITION}" = [0, 1, 2] in [grid] deals the data anew in every seed.'
        )
    known = [one for one in found.luck if not np.isnan(one.share.estimate)]
    if not known:
        return "Partition luck: no difference varies from run to run."
    top = max(known, key=lambda one: one.share.estimate)
    shares = [one.share.estimate for one in known]
    where = f", {axes_name(top.axes)}" if top.axes else ""
    return (
        f"Partition luck: of how much a difference on {measure_name(found.measures[0])} varies from one "
        f"run of a seed to another's, the partition alone has {100 * min(shares):.0f} to "
        f"{100 * max(shares):.0f} % "
        f"(most for {top.strategy}{where}: {100 * top.share.estimate:.0f} %, 95 % interval "
        f"{100 * top.share.low:.0f} to {100 * top.share.high:.0f} %); the rest are test images, initial "
        "weights, cohorts and votes. A drop within that share may be the dealing, not the strategy."
    )
