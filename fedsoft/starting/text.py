"""A study file as text, with its comments."""

import json
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from fedsoft.starting.draft import Draft, Entry

WIDTH = 110
"""Columns of a comment that stands by itself."""


def study_text(draft: Draft) -> str:
    """The study file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: Draft) -> Iterator[str]:
    yield from comment(
        "A first study of these data. Change what you like; `fedsoft list keys` has every key."
    )
    for sentence in draft.found:
        yield from comment(sentence)
    yield from _keys({"description": Entry(draft.description), "dataset": Entry(draft.dataset)})
    yield ""
    yield from comment(
        "What clients train on; each source asks something of its own (`fedsoft list sources`)."
    )
    yield from _list("sources", draft.sources)
    yield from comment("Other ways to calibrated models, which cost no answers, or one an item.")
    yield from _list("rivals", draft.rivals)
    if draft.absent:
        yield from comment("Left out:")
        for what, why in draft.absent:
            yield from comment(f"{what}: {why}.", "#   ")
    yield ""
    yield from _keys({"strategies": Entry(["fedavg"]), "model": draft.model, "rounds": draft.rounds})
    yield from _keys({"tuned": Entry(draft.tuned), "seeds": draft.seeds})
    if draft.folds:
        yield from _keys({"folds": draft.folds})
    yield from ("", "[scenario]")
    yield from _keys(draft.scenario)
    for line in draft.instead:
        yield f"# {in_a_line(line)}"
    yield from ("", "[training]")
    yield from _keys(draft.training)
    yield ""
    yield from comment(
        "The one comparison that the verdict is about: is `source` better than `baseline` on items that no "
        "model saw? Fixed before running, and not changed after a look at results; all else is exploratory."
    )
    yield "[endpoint]"
    yield from _keys(draft.endpoint)


def comment(text: str, start: str = "# ") -> list[str]:
    """Text as lines of a comment, the first after ``start`` and the others as far in."""
    return textwrap.wrap(
        in_a_line(text),
        WIDTH,
        initial_indent=start,
        subsequent_indent="#".ljust(len(start) + 2 * (start != "# ")),
        break_long_words=False,
        break_on_hyphens=False,
    )


def in_a_line(text: str) -> str:
    """Text without what a comment may not hold: breaks of lines and other control characters."""
    return "".join(one if one.isprintable() else " " for one in text)


def _keys(entries: dict[str, Entry]) -> Iterator[str]:
    for key, entry in entries.items():
        yield f"{key} = {spelled(entry.value)}{_beside(entry)}"


def _list(key: str, entries: tuple[Entry, ...]) -> Iterator[str]:
    if not entries:
        yield f"{key} = []"
        return
    values = [f"  {spelled(entry.value)}," for entry in entries]
    column = min(max(map(len, values)), 48)
    yield f"{key} = ["
    for value, entry in zip(values, entries, strict=True):
        yield f"{value.ljust(column)}{_beside(entry)}".rstrip()
    yield "]"


def _beside(entry: Entry) -> str:
    return f"  # {in_a_line(entry.why)}" if entry.why else ""


def spelled(value: Any) -> str:
    """A value as TOML spells it, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(key)} = {spelled(one)}" for key, one in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(spelled, value))}]"
    return f"{value:.12g}" if isinstance(value, float) and value % 1 else repr(value)


def _key(key: str) -> str:
    """A key, or a dotted one whose parts need no quotes; quoted where it is neither."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", key) else spelled(key)
