"""Clients of one run or of several, trained in as few tensor programs as may be."""

from collections.abc import Sequence
from typing import Literal

from flwr.app import Message

from fedsoft.federation.client import Asked, answer, failed

Stack = int | Literal["all"]
"""How many clients are trained as one tensor program at most."""


def train_together(asked: Sequence[Asked], stack: Stack) -> list[Message]:
    """Train clients, ``stack`` of them at a time where they are alike.

    Returns:
        their replies, in order; that of a client that raised is an error.
    """
    replies: dict[int, Message] = {}
    waiting = list(range(len(asked)))
    while waiting:
        alike = [i for i in waiting if asked[i].like(asked[waiting[0]])]
        waiting = [i for i in waiting if i not in set(alike)] if len(alike) < len(waiting) else []
        size = program_size(len(alike), stack)
        for start in range(0, len(alike), size):
            part = alike[start : start + size]
            replies.update(zip(part, _answer([asked[i] for i in part]), strict=True))
    return [replies[i] for i in range(len(asked))]


def program_size(clients: int, stack: Stack) -> int:
    """How many of some clients share a program, so that all are of a size: 20 and 20 instead of 32 and 8."""
    programs = 1 if stack == "all" else -(-clients // stack)
    return -(-clients // programs)


def _answer(asked: Sequence[Asked]) -> list[Message]:
    try:
        return answer(asked)
    except Exception as error:
        if len(asked) == 1:
            return [failed(asked[0].message, error)]
        return [reply for one in asked for reply in _answer([one])]  # so that the client at fault is named
