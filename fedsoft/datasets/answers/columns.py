"""Which column of a table holds items, annotators, labels and weights."""

import re
from collections.abc import Sequence
from pathlib import Path

from fedsoft.datasets.answers.naming import listed
from fedsoft.errors import DataError

USUAL = {
    "item": (
        *("item", "itemid", "itemname", "image", "imageid", "imagename", "imagepath", "imagefile"),
        *("file", "filename", "filepath", "path", "imageurl", "url", "picture", "photo", "audio", "video"),
        *("question", "questionid", "task", "taskid", "document", "documentid", "doc", "docid"),
        *("sample", "sampleid", "example", "exampleid", "unit", "unitid", "object", "objectid"),
        *("instance", "instanceid", "text", "id"),
    ),
    "annotator": (
        *("annotator", "annotatorid", "annotatorname", "worker", "workerid", "user", "userid", "username"),
        *("rater", "raterid", "coder", "coderid", "person", "personid", "labeler", "labelerid", "labeller"),
        *("labellerid", "participant", "participantid", "judge", "expert", "expertid", "respondent"),
        *("respondentid", "reviewer", "reviewerid", "completedby", "annotatedby", "email"),
    ),
    "label": (
        *("label", "labels", "labelname", "answer", "answers", "class", "classname", "choice", "choices"),
        *("category", "categoryname", "categorylabel", "annotation", "response", "vote", "judgment"),
        *("judgement", "rating", "result", "value", "tag"),
    ),
    "weight": (*("weight", "weights", "confidence", "share", "shares", "probability", "prob", "proportion"),),
}
"""What columns are usually called, most certain first, in lower-case letters alone."""


def plain(name: str) -> str:
    """A column's name in lower-case letters and digits, without the prefixes of MTurk and Toloka."""
    name = re.sub(r"^(input|output|answer|assignment)[.:]", "", name.strip().casefold())
    return re.sub(r"[^a-z0-9]", "", name)


def find_columns(header: Sequence[str], named: dict[str, str] | None, roles: Sequence[str]) -> dict[str, int]:
    """The place of each column that is named, or else has a usual name; roles without one are absent."""
    header = [name.strip() for name in header]
    found = {}
    taken = set()
    for role, name in (named or {}).items():
        if role in roles and name:
            places = [i for i, column in enumerate(header) if column == name.strip()] or [
                i for i, column in enumerate(header) if column.casefold() == name.strip().casefold()
            ]
            if places:
                found[role] = places[0]
                taken.add(places[0])
    names = [plain(name) for name in header]
    for role in roles:
        if role in (named or {}):
            continue
        places = [i for i, name in enumerate(names) if name in USUAL[role] and i not in taken]
        if places:
            found[role] = min(places, key=lambda i: (USUAL[role].index(names[i]), i))
    return found


def chosen_columns(
    header: Sequence[str], named: dict[str, str] | None, roles: Sequence[str], where: Path
) -> tuple[dict[str, int], tuple[str, ...]]:
    """The place of the columns, of which items and labels there must be, and what was recognised.

    Args:
        header: the names of all columns.
        named: the option `columns`.
        roles: those of ``USUAL`` to look for.
        where: the file.

    Raises:
        DataError: a named column, or one for items or labels, is not there; or two have one name.
    """
    header = [name.strip() for name in header]
    there = listed([repr(name) for name in header if name])
    found = find_columns(header, named, roles)
    for role, name in (named or {}).items():
        if role in roles and name and role not in found:
            raise DataError(f"{where} has no column {name!r}, as `columns` says; it has {there}.")
    if absent := [role for role in ("item", "label") if role not in found]:
        example = ", ".join(f'{role} = "…"' for role in roles if role != "weight")
        raise DataError(
            f"{where} has no column {absent[0]!r} nor one that is usually called so; its first line names "
            f"{there}: say which is which by columns = {{ {example} }}; a table with a column a person must "
            "be turned into one with a row an answer."
        )
    for role, place in found.items():
        if others := [other for other in found if other != role and found[other] == place]:
            raise DataError(
                f"`columns` takes column {header[place]!r} of {where} for the {role} and for the "
                f"{others[0]}; name one column for each."
            )
    if doubled := [header[i] for i in found.values() if header.count(header[i]) > 1]:
        raise DataError(f"{where} has two columns {doubled[0]!r}; give each its own name.")
    taken = [
        f"{header[i]!r} for the {role}{_others(header, role, found)}"
        for role, i in found.items()
        if role not in (named or {}) and header[i].casefold() != role
    ]
    if not taken:
        return found, ()
    words = f"column{'s' * (len(taken) > 1)} {' and '.join(filter(None, (', '.join(taken[:-1]), taken[-1])))}"
    return found, (f"{where.name}: takes {words}; `columns` says otherwise.",)


def _others(header: Sequence[str], role: str, found: dict[str, int]) -> str:
    """Other columns that might have been meant."""
    places = [i for i, name in enumerate(header) if plain(name) in USUAL[role] and i not in found.values()]
    return f" (not {listed([repr(header[i]) for i in places])})" if places else ""
