"""Letters of other scripts that look like Latin ones."""

from fedsoft.datasets.answers.spelling import fold_key

CYRILLIC = "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u043a"
CYRILLIC_CAPITALS = (
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0406\u0408\u0405"
)
GREEK = "\u03bf\u03b1\u03bd\u03b9\u03c1\u03ba"
GREEK_CAPITALS = "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
LATIN = str.maketrans(
    CYRILLIC + CYRILLIC_CAPITALS + GREEK + GREEK_CAPITALS,
    "aeopcyxijshk" + "ABEKMHOPCTYXIJS" + "oavipk" + "ABEZHIKMNOPTYX",
)


def latin(name: str) -> str:
    """A name with Latin letters for those that look like them, which names that look alike have in common."""
    return name if name.isascii() else name.translate(LATIN)


def lookalikes(counts: dict[str, int]) -> list[tuple[str, str]]:
    """Each name with the most frequent one that looks like it in letters of another script.

    Args:
        counts: how often each name was given.
    """
    if all(map(str.isascii, counts)):
        return []
    likely: dict[str, str] = {}
    for name in sorted(counts, key=lambda name: (-counts[name], not name.isascii())):
        likely.setdefault(fold_key(latin(name)), name)
    pairs = [(name, likely[fold_key(latin(name))]) for name in counts]
    return [(name, other) for name, other in pairs if fold_key(name) != fold_key(other)]
