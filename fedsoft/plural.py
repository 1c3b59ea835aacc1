"""Counts with the form of the noun that they take."""


def plural(count: int, noun: str, several: str | None = None) -> str:
    """A count and its noun, such as ``1 run`` or ``1,200 runs``.

    Args:
        count: how many.
        noun: the form for one.
        several: the form for any other number; by default with an s.
    """
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
