"""Rare names that are nearly spelt as common ones."""

from collections import defaultdict

LETTERS = 4
"""A common name needs this many letters, since short ones are near to many."""

MOST = 500
"""Among more names nobody looks for slips, which takes seconds; those names are rather texts."""

RARE_SHARE = 0.01
RARE_COUNT = 2


def likely_typos(counts: dict[str, int]) -> list[tuple[str, str]]:
    """Each rare name with the common one that it is within two edits of; none where there are too many names.

    A name is rare with at most 1 % of all answers or at most 2, and common otherwise. Names whose digits
    differ are never the same (`class 12`, `class 13`).

    Args:
        counts: how often each name was given.
    """
    if len(counts) > MOST:
        return []
    total = sum(counts.values())
    rare = {name: count for name, count in counts.items() if count <= max(RARE_COUNT, RARE_SHARE * total)}
    common = [name for name in counts if name not in rare and sum(map(str.isalpha, name)) >= LETTERS]
    by_piece = defaultdict(list)
    for name in common:
        for piece in _pieces(name.casefold()):
            by_piece[piece].append(name)
    pairs = []
    for name in rare:
        near = {other for piece in _pieces(name.casefold()) for other in by_piece.get(piece, ())}
        close = [(edits(name.casefold(), other.casefold()), -counts[other], other) for other in near]
        close = [entry for entry in close if entry[0] <= 2 and _digits(name) == _digits(entry[2])]
        if close:
            pairs.append((name, min(close)[2]))
    return pairs


def edits(a: str, b: str) -> int:
    """Levenshtein's distance: single letters put in, left out or exchanged (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (letter != other))
    return row[-1]


def _pieces(name: str) -> set[str]:
    """The name with up to two letters left out: names within two edits share such a piece."""
    name = name[:40]  # longer ones are sentences, of which the beginning will do
    once = {name[:i] + name[i + 1 :] for i in range(len(name))}
    twice = {piece[:i] + piece[i + 1 :] for piece in once for i in range(len(piece))}
    return {name} | once | twice


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))
