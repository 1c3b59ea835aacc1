"""Clients of one run or of several, trained in as few tensor programs as may be."""

from collections.abc import Sequence

import torch
from flwr.app import Message

from fedsoft.federation.asked import Asked
from fedsoft.federation.client import answer, failed, failing, tell
from fedsoft.federation.programs import Stack, alike, programs


def train_together(asked: Sequence[Asked], stack: Stack) -> list[Message]:
    """Train clients, ``stack`` of them at a time where they are alike; others answer what they are asked.

    Returns:
        their replies, in order; that of a client that raised is an error.
    """
    replies = {i: tell(one) for i, one in enumerate(asked) if not one.trains}
    replies |= {i: failing(one.message) for i, one in enumerate(asked) if one.trains and one.fails}
    training = [i for i in range(len(asked)) if i not in replies]
    for places in alike([asked[i] for i in training], Asked.like):
        some = [training[place] for place in places]
        for program in programs([asked[i].examples for i in some], stack):
            part = [some[place] for place in program]
            replies.update(zip(part, _answer([asked[i] for i in part]), strict=True))
    return [replies[i] for i in range(len(asked))]


def _answer(asked: Sequence[Asked]) -> list[Message]:
    try:
        return answer(asked)
    except Exception as error:
        if len(asked) == 1:
            return [failed(asked[0].message, error)]
        if isinstance(error, torch.OutOfMemoryError):
            half = len(asked) // 2
            return [*_answer(asked[:half]), *_answer(asked[half:])]
        return [reply for one in asked for reply in _answer([one])]  # so that the client at fault is named
