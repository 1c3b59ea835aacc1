"""Spellings of one name: spaces around it, byte strings, letters with accents in one piece or two, "./"."""

import re
import unicodedata
from collections.abc import Sequence

import numpy as np

from fedsoft.datasets.answers.naming import numbered

BLANK = frozenset({"", "nan", "NaN", "NA", "<NA>", "null", "None"})
"""What tools write where there is no answer."""

WHOLE = re.compile(r"([+-]?[0-9]+)(\.0+)?")
BYTES = re.compile(r"""b(['"])(.*)\1""", re.DOTALL)


def trimmed(name: str) -> str:
    """Without spaces (of any kind) and invisible marks around it, accents in one piece."""
    return unicodedata.normalize("NFC", name.strip("\ufeff\u200b\u200e\u200f \t\r\n\v\f\xa0").strip())


def without_bytes(name: str) -> str:
    """``cat`` for ``b'cat'``, as Python prints byte strings."""
    match = BYTES.fullmatch(name)
    return match[2].strip() if match else name


def without_decimals(names: Sequence[str]) -> list[str]:
    """``3`` for ``3.0``, as tables with gaps write whole numbers, if all names are whole numbers."""
    if not all(WHOLE.fullmatch(name) or name in BLANK for name in names):
        return list(names)
    return [WHOLE.sub(r"\1", name) for name in names]


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
