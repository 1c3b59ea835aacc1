"""Runs that could not be done, as their folders tell of them."""

import traceback
from typing import Any

from fedsoft.errors import in_a_line
from fedsoft.study.settings import RunSettings

Failure = dict[str, Any]
"""What is known of a failed run: the fields of `FAILED`."""

FAILED: dict[str, Any] = {
    "label": str, "client": int | None, "round": int | None, "message": str, "type": str, "traceback": str,
}  # fmt: skip
"""Whose failure it is, the partition at fault and the round where there are such, the cause in a sentence,
the type of the error, and where in the program it arose."""


def failure_of(settings: RunSettings, error: Exception) -> Failure:
    """What an exception says of the run that it ended.

    An error may name the round, the client and the traceback elsewhere: ``number``, ``client``, ``detail``.
    """
    return {
        "label": settings.label(),
        "client": getattr(error, "client", None),
        "round": getattr(error, "number", None),
        "message": in_a_line(error),
        "type": type(error).__name__,
        "traceback": getattr(error, "detail", "") or "".join(traceback.format_exception(error)),
    }


def is_failure(found: Any) -> bool:
    """Whether something read is a failure."""
    return isinstance(found, dict) and all(
        name in found and isinstance(found[name], kind) for name, kind in FAILED.items()
    )
