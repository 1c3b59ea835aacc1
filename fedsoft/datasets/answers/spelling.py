"""Spellings of one name: spaces around it, invisible marks, byte strings, accents in pieces, "./"."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from fedsoft.datasets.answers.naming import numbered

BLANK = frozenset({"", "nan", "NaN", "NA", "<NA>", "null", "None"})
"""What tools write where there is no answer."""

WHOLE = re.compile(r"([+-]?[0-9]+)(\.0+)?")
FRACTION = re.compile(r"[+-]?[0-9]*\.[0-9]*[1-9][0-9]*")
INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
    r"|(?<=[\u0000-\u024f])[\u200c\u200d]+|^[\u200c\u200d]+|[\u200c\u200d]+$"
)
"""Marks that nobody sees: soft hyphens, joiners of words, spaces without width, directions; and joiners of
letters beside Latin ones, where they join nothing (elsewhere they change how letters and emoji look)."""

BYTES = re.compile(r"""b(['"])(.*)\1""", re.DOTALL)


def trimmed(name: str) -> str:
    """Without spaces (of any kind) around it and without invisible marks, accents in one piece."""
    return unicodedata.normalize("NFC", visible(name).strip())


def visible(name: str) -> str:
    """Without marks that nobody sees."""
    return name if name.isascii() else INVISIBLE.sub("", name)


def without_bytes(name: str) -> str:
    """``cat`` for ``b'cat'``, as Python prints byte strings."""
    match = BYTES.fullmatch(name)
    return match[2].strip() if match else name


def without_decimals(names: Sequence[str], words: bool = False) -> list[str]:
    """``3`` for ``3.0``, as tables with gaps write whole numbers.

    Beside fractions, such as 1.5, only where the number stands there in both spellings.

    Args:
        names: distinct names; unchanged if one is no number.
        words: whether some may be words.
    """
    fractions = any(FRACTION.fullmatch(name) for name in names)
    if not words and not all(
        WHOLE.fullmatch(name) or FRACTION.fullmatch(name) or name in BLANK for name in names
    ):
        return list(names)
    there = set(names)
    bare = [whole_number(name) or name for name in names]
    return [
        short if short in there or not fractions else name for name, short in zip(names, bare, strict=True)
    ]


def whole_number(name: str) -> str | None:
    """A whole number without decimals; None for any other name."""
    found = WHOLE.fullmatch(name)
    return found[1] if found else None


def path_key(name: str) -> str:
    """What spellings of one path have in common: no "./" before it, slashes of one kind, no doubled ones."""
    name = re.sub(r"/{2,}", "/", name.replace("\\", "/"))
    while name.startswith("./"):
        name = name[2:]
    return name


def fold_key(name: str) -> str:
    """What names have in common that differ in case or spaces."""
    return "".join(name.casefold().split())


def joined(names: Sequence[str], codes: np.ndarray, keys: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Names with the same key made one: the first spelling of each, and (A,) codes of those.

    Args:
        names: distinct names.
        codes: (A,) the name of each answer.
        keys: the key of each name.
    """
    distinct, place = numbered(keys)
    if len(distinct) == len(names):
        return list(names), codes
    first = np.zeros(len(distinct), dtype=np.int64)
    first[place[::-1]] = np.arange(len(names))[::-1]
    return [names[i] for i in first.tolist()], place[codes]
