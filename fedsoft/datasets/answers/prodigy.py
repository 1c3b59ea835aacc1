"""Exports of Prodigy: JSON Lines of `db-out`.

Format as in https://prodi.gy/docs/api-interfaces.
"""

from typing import Any

from fedsoft.datasets.answers.entries import Entries, Entry, item_of, text_of
from fedsoft.datasets.answers.options import AnswerOptions
from fedsoft.datasets.answers.raw import Gathered, RawAnswers, name_of

DECISIONS = frozenset({"accept", "reject", "ignore"})


def is_prodigy(entry: Entry) -> bool:
    """Whether an entry is a task that was decided on."""
    return "_input_hash" in entry or (
        entry.get("answer") in DECISIONS and bool({"options", "label", "accept"} & set(entry))
    )


def prodigy(entries: Entries, options: AnswerOptions) -> RawAnswers:
    """The choices that were accepted; where one label was accepted or rejected, that label and its opposite.

    Raises:
        DataError: an item has no name.
    """
    named = (options.columns or {}).get("item")
    gathered = Gathered()
    asked = {text_of(entry["label"]) for _, entry in entries.numbered if _is_binary(entry)}
    rejected = any(entry.get("answer") == "reject" and _is_binary(entry) for _, entry in entries.numbered)
    if len(asked) == 1 and rejected:
        label = next(iter(asked))
        gathered.told.append(f"{name_of(str(entries.file))}: rejected {label!r} is read as 'not {label}'.")
    for number, entry in entries.numbered:
        decision = entry.get("answer", "accept")
        chosen = _chosen(entry)
        if decision == "reject" and _is_binary(entry) and len(asked) == 1:
            chosen = [f"not {chosen[0]}"]
        elif decision == "reject":
            gathered.skipped["rejected, which does not say what it is"] += 1
            continue
        elif decision == "ignore":
            gathered.skipped["ignored by the annotator"] += 1
            continue
        elif not chosen and entry.get("spans"):
            gathered.skipped["spans, which sort no whole item"] += 1
            continue
        gathered.choose(_item(entry, entries, named), _person(entry), chosen, number)
    return gathered.raw(str(entries.file), entries.place)


def _is_binary(entry: Entry) -> bool:
    """Whether one label was asked about."""
    return entry.get("label") is not None and not entry.get("options")


def _chosen(entry: Entry) -> list[str]:
    """The options accepted, by identifier, or by text where those are numbers; else the label."""
    if _is_binary(entry):
        return [text_of(entry["label"])]
    texts = {
        text_of(option.get("id")): text_of(option.get("text", option.get("id")))
        for option in entry.get("options") or []
        if isinstance(option, dict)
    }
    accepted: Any = entry.get("accept") or []
    names = [text_of(name) for name in (accepted if isinstance(accepted, list) else [accepted])]
    return [texts.get(name, name) if name.isdecimal() else name for name in names]


def _person(entry: Entry) -> str | None:
    """Who decided."""
    who = next((entry[key] for key in ("_annotator_id", "_session_id") if entry.get(key) is not None), None)
    return None if who is None else str(who)


def _item(entry: Entry, entries: Entries, named: str | None) -> str:
    """The item: a file or address, else its text, else the hash of the input."""
    meta = entry["meta"] if isinstance(entry.get("meta"), dict) else {}
    hashes = {"id": entry.get("_input_hash", entry.get("_task_hash"))}
    text = {"text": entry["text"]} if isinstance(entry.get("text"), str) else {}
    sources = [{"item": meta.get("file")}, entry, meta] if named is None else [entry, meta]
    return item_of(entries.file, named, sources, [text, hashes])
