"""Names in a file of answers matched with the names of the items that there are."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from fedsoft.datasets.answers.naming import listed
from fedsoft.datasets.answers.spelling import path_key, trimmed, whole_number
from fedsoft.errors import DataError
from fedsoft.plural import plural

EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
HASH = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an uploaded file."""

UPLOAD = re.compile(r"(^|/)upload/")
ABSOLUTE = re.compile(r"^(/|[A-Za-z]:[/\\]|[a-z][a-z0-9+.-]*://)|\?d=|^upload/")

Key = Callable[[str], str | None]


def match(names: Sequence[str], known: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which known item each name means.

    A name is looked up as it is; then as a path or address whose leading folders one of the two may lack;
    then without the prefix of an upload; then with another case of its extension, as the same whole number
    with or without decimals (`3`, `3.0`), or without an extension; and, where
    it is an absolute path or an address, by its file name alone. The first way that finds an item decides.

    Args:
        names: (I,) distinct names.
        known: names of the items that there are.

    Returns:
        (I,) the place of each name among the known ones, -1 where it is none of them; and a sentence on each
        way in which names were matched that was not to the letter.

    Raises:
        DataError: a name fits two known items.
    """
    exact = {name: place for place, name in enumerate(known)}
    found = np.array([exact.get(name, -1) for name in names], dtype=np.int64)
    left = np.flatnonzero(found < 0).tolist()
    paths = {i: as_path(names[i]) for i in left}
    told = []
    for way in _ways(known) if left else ():
        matched = [
            i for i in left if way.serves(names[i]) and _decide(found, i, way.find(paths[i]), names, known)
        ]
        if matched:
            way.check(matched, found, names, known)
            example = f"{names[matched[0]]!r} is {known[int(found[matched[0]])]!r}"
            told.append(f"{plural(len(matched), 'item')} matched {way.words} ({example}).")
            left = [i for i in left if found[i] < 0]
    return found, (*told, *_shared(names, known, found))


def as_path(name: str) -> str:
    """The path in a name, with plain slashes: of an address what is behind its host, or in its ``d``."""
    name = trimmed(name)
    if "://" in name or "?d=" in name:
        address = urlsplit(name)
        name = parse_qs(address.query).get("d", [address.path])[0]
    if "%" in name:
        name = unquote(name)
    return unicodedata.normalize("NFC", re.sub(r"^[A-Za-z]:/", "", path_key(name)).strip("/"))


@dataclass(frozen=True)
class _Way:
    """One way to find a name among known paths.

    Attributes:
        words: how names were matched, for a sentence.
        places: known items by their keys.
        keys: what a name is looked up by, most certain first.
        alone: whether it goes by the file name alone.
    """

    words: str
    places: dict[str, list[int]]
    keys: Callable[[str], Iterator[str]]
    alone: bool = False

    def serves(self, name: str) -> bool:
        """Whether a name may be looked up so: by file name alone only where folders are another machine's."""
        return not self.alone or ABSOLUTE.search(name) is not None

    def find(self, path: str) -> list[int]:
        """The known items that it may be."""
        return next((self.places[key] for key in self.keys(path) if key in self.places), [])

    def check(
        self, matched: list[int], found: np.ndarray, names: Sequence[str], known: Sequence[str]
    ) -> None:
        """By file name alone, no two paths mean one item, other than repeated uploads."""
        if not self.alone:
            return
        first: dict[int, int] = {}
        for i in matched:
            other = first.setdefault(int(found[i]), i)
            if other != i and not UPLOAD.search(names[i]):
                raise DataError(
                    f"the items {names[other]!r} and {names[i]!r} both have the file name of "
                    f"{known[int(found[i])]!r}; name items with their folders as the data do."
                )


def _ways(known: Sequence[str]) -> Iterator[_Way]:
    """All ways, most certain first."""
    paths = [as_path(name) for name in known]
    spellings: tuple[tuple[str, Key, Key], ...] = (
        ("", lambda path: path, lambda path: path),
        (" with another case of the extension", _lower, _lower),
        (" with or without decimals", whole_number, whole_number),
        (" without the extension", _stem, lambda path: path),
        (" without the extension", lambda path: None if EXTENSION.search(path) else path, _stem),
    )
    indices = []
    for words, of_known, of_name in spellings:
        whole: dict[str, list[int]] = defaultdict(list)
        ends: dict[str, list[int]] = defaultdict(list)
        for place, path in enumerate(paths):
            if (key := of_known(path)) is not None:
                whole[key].append(place)
                for end in _ends(key):
                    ends[end].append(place)
        indices.append((words, dict(whole), dict(ends), of_name))
    for alone in (False, True):
        for words, whole, ends, of_name in indices:
            for prefix, bare in (
                ("", lambda path: path),
                (" without the prefix of its upload", _without_hash),
            ):
                if alone:
                    keys = _composed(bare, of_name, _file_name)
                    yield _Way(f"by file name{words}{prefix}", ends, keys, alone=True)
                else:
                    keys = _composed(bare, of_name, lambda path: iter((path,)))
                    how = f"{words}{prefix}".strip() or "by another spelling of the path"
                    yield _Way(how, whole, keys)
                    how = f"without leading folders{words and ' and'}{words}{prefix and ' and'}{prefix}"
                    yield _Way(how, ends, keys)
                    yield _Way(how, whole, _composed(bare, of_name, _ends))


def _composed(
    bare: Key, spelling: Key, keys: Callable[[str], Iterator[str]]
) -> Callable[[str], Iterator[str]]:
    """The keys of a path's spelling; none where it has no such spelling."""

    def composed(path: str) -> Iterator[str]:
        without = bare(path)
        spelt = None if without is None else spelling(without)
        return iter(()) if spelt is None else keys(spelt)

    return composed


def _ends(path: str) -> Iterator[str]:
    """The path without its first folder, without its first two, and so on."""
    while "/" in path:
        path = path.split("/", 1)[1]
        yield path


def _file_name(path: str) -> Iterator[str]:
    yield path.rsplit("/", 1)[-1]


def _lower(path: str) -> str | None:
    """With the extension in lower case; None without one."""
    found = EXTENSION.search(path)
    return path[: found.start()] + found[0].lower() if found else None


def _stem(path: str) -> str | None:
    """Without the extension; None without one."""
    found = EXTENSION.search(path)
    return path[: found.start()] if found else None


def _without_hash(path: str) -> str | None:
    """Without what Label Studio puts before an uploaded file's name; None without it."""
    folder, slash, name = path.rpartition("/")
    bare = HASH.sub("", name)
    return None if bare == name else f"{folder}{slash}{bare}"


def _decide(found: np.ndarray, i: int, places: list[int], names: Sequence[str], known: Sequence[str]) -> bool:
    """Note the one place of a name; DataError if there are several."""
    if len(places) > 1:
        fitting = listed([repr(known[place]) for place in places])
        mend = "name it with its folder and extension"
        raise DataError(f"the item {names[i]!r} may be any of {fitting}; {mend}.")
    if places:
        found[i] = places[0]
    return bool(places)


def _shared(names: Sequence[str], known: Sequence[str], found: np.ndarray) -> tuple[str, ...]:
    """A sentence on names that mean one item."""
    order = np.argsort(found, kind="stable")
    order = order[found[order] >= 0]
    again = np.flatnonzero(found[order][1:] == found[order][:-1])
    if not len(again):
        return ()
    one, other = order[again[0]], order[again[0] + 1]
    words = f"{names[one]!r} and {names[other]!r} are both {known[int(found[one])]!r}"
    return (f"{plural(len(again), 'item')} named in more than one way ({words}).",)
