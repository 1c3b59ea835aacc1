"""What became of clients' updates, in words."""

from fedsoft.analysis.digest import Digest
from fedsoft.analysis.mishaps import Losses, Raised
from fedsoft.plural import plural
from fedsoft.report.failures import some
from fedsoft.report.shown import Shown


def losses_sentence(shown: Shown) -> str:
    """How many updates were lost, and how; nothing where nothing could go wrong, and nothing did."""
    losses, scenario = shown.cell.losses, shown.study.scenario
    if not losses.asked or (scenario.mishaps.none and losses.none and not losses.void):
        return ""
    parts = [f"Of {plural(losses.asked, 'update')} asked for, {_lost(losses) or 'none was lost by chance'}"]
    if losses.void:
        parts.append(
            f"{plural(losses.void, 'round')} had too few (scenario.enough = {scenario.enough:g}, or what "
            "the strategy takes) and left the model as it was"
        )
    if losses.raised:
        first, count = next(iter(losses.raised.values())), sum(one.count for one in losses.raised.values())
        were, which = ("was", "that") if count == 1 else ("were", "first that")
        parts.append(
            f"{count:,} {were} lost because clients raised or diverged, {which} of {_client(first)} of "
            f"{first.run}: {first.cause.removesuffix('.')}"
        )
    return f"{'; '.join(parts)}."


def raised_lines(result: Digest) -> list[str]:
    """A line a run whose clients raised or diverged, though nothing in the study says that they fail."""
    runs = {key: one for cell in result.cells for key, one in cell.losses.raised.items()}
    return some([_line(one) for one in runs.values()], "clients raised")


def _lost(losses: Losses) -> str:
    were = "was" if losses.dropped == 1 else "were"
    counted = (
        (losses.failed, f"{losses.failed:,} failed by chance"),
        (losses.late, f"{losses.late:,} came too late"),
        (losses.dropped, f"{losses.dropped:,} {were} of clients that were gone"),
    )
    *others, last = [text for count, text in counted if count] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _client(one: Raised) -> str:
    return f"client {one.client} in round {one.number}"


def _line(one: Raised) -> str:
    return (
        f"clients raised: {one.run}: {plural(one.count, 'update')} lost, first that of {_client(one)}: "
        f"{one.cause.removesuffix('.')}; the run went on without."
    )
