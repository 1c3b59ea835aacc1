"""What people answer who give no class."""

from fedsoft.datasets.answers.spelling import fold_key

WORDS = frozenset(
    {
        *("dk", "idk", "unsure", "notsure", "imnotsure", "iamnotsure"),
        *("skip", "skipped", "noidea", "noanswer"),
        *(
            who + cannot + what
            for who in ("", "i", "we")
            for cannot in ("cant", "cannot")
            for what in ("say", "tell", "decide")
        ),
        *(who + knows for who in ("", "i", "we") for knows in ("dontknow", "donotknow")),
    }
)
"""In small letters alone; "other" and "none" are classes."""

SIGNS = frozenset({"?", "??", "???", "n/a"})


def is_evasion(name: str) -> bool:
    """Whether an answer looks like none, whatever its case, spaces and apostrophes."""
    key = fold_key(name)
    return key in SIGNS or "".join(filter(str.isalnum, key)) in WORDS
