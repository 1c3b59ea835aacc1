"""The client's side of secure aggregation: what it answers in each of the four exchanges.

A client knows its secrets, and checks what it is told against them; of other rounds, and of the other
exchanges of this one, it remembers nothing. In use, where secrets are drawn once from the operating system,
it would have to remember what it revealed, so that nobody can ask twice for different shares.
"""

from collections.abc import Callable

import numpy as np
from flwr.app import ConfigRecord, Message

from fedsoft.errors import EngineError
from fedsoft.federation import asks
from fedsoft.federation.asked import Asked
from fedsoft.federation.records import RecordDict, to_arrays, to_record
from fedsoft.federation.secure.keys import KEY, AlteredError, KeyPair, Secrets, own_mask, pair_mask
from fedsoft.federation.secure.words import to_words
from fedsoft.privacy import SecureSum

ROUTING = ("partition-id", "num-examples")
"""Metrics of a reply that are no means over examples."""


def secrets_of(one: Asked) -> Secrets:
    """What the client keeps to itself in this round."""
    attempt = asks.attempt_of(one.config)
    return Secrets.of(one.task.run, one.task.seed, one.partition, one.server_round, attempt)


def options_of(one: Asked) -> SecureSum:
    """How the client's run sums; the client's own settings, whatever it is asked."""
    if one.task.secure_sum is None:
        raise EngineError("the client's run has no secure sum; have client and server read the same study")
    return one.task.secure_sum


def keys(one: Asked) -> Message:
    """Stage 1: the client's public keys of this round, and its commitment."""
    options_of(one)
    told = secrets_of(one).told
    return _reply(
        one, ConfigRecord({"masking": told.masking, "sealing": told.sealing, "commitment": told.commitment})
    )


def shares(one: Asked) -> Message:
    """Stage 2: for every client that told keys, itself too, the sealed shares of the two secrets."""
    secrets = secrets_of(one)
    others, sealing = _others(one, "sealing", secrets.sealing)
    dealt = secrets.shares(_needed(one), others)
    sealed = [secrets.seal(dealt[other], other, sealing[other]) for other in others]
    return _reply(one, ConfigRecord({"sealed": sealed}))


def masked(one: Asked, reply: Message) -> Message:
    """Stage 3: the reply of a client that trained, as words under masks; its partition alone is in the clear.

    Raises:
        OutsideError: a number does not fit.
        EngineError: the client is asked for an update without masks, or with too few others.
    """
    options, secrets = options_of(one), secrets_of(one)
    others, masking = _others(one, "masking", secrets.masking)
    start, metrics = to_arrays(one.message.content["arrays"]), reply.content["metrics"]
    sent, bound = to_arrays(reply.content["arrays"]), options.bound(one.task.train.sizes)
    clipped = asks.UPDATE_CLIP in one.config  # it sends an update, and all clients weigh alike
    moved = sent if clipped else {n: sent[n].astype(np.float64) - start[n] for n in start}
    update = np.concatenate([moved[n].ravel() for n in start])
    told = {name: float(value) for name, value in metrics.items() if name not in ROUTING}
    examples = bound if clipped else int(metrics["num-examples"])
    words = to_words(update, examples, told, bound, options)
    words += own_mask(secrets.seed, len(words))
    for other in others:
        if other > one.partition:
            words += pair_mask(secrets.masking, masking[other], len(words))
        elif other < one.partition:
            words -= pair_mask(secrets.masking, masking[other], len(words))
    content = {
        "arrays": to_record({asks.SECURE: words}),
        asks.SECURE: ConfigRecord({"metrics": list(told)}),
    }
    return Message(RecordDict(content), reply_to=one.message)


def unmask(one: Asked) -> Message:
    """Stage 4: for each client of the round the share of one of its two secrets, never of both.

    Raises:
        AlteredError: a sealed share is not what its sender wrote.
        EngineError: the sum would be one of too few.
    """
    secrets = secrets_of(one)
    others, sealing = _others(one, "sealing", secrets.sealing)
    asked: ConfigRecord = one.message.content[asks.SECURE]
    there = set(asked["there"]).intersection(others)
    if len(there) < _needed(one):
        raise EngineError(f"a sum of {len(there)} clients is asked for, and {_needed(one)} are needed")
    found = []
    for other, sealed in zip(others, asked["sealed"], strict=True):
        key, seed = secrets.open(sealed, other, sealing[other])
        found.append(seed if other in there else key)
    return _reply(one, ConfigRecord({"shares": found}))


STAGES: dict[str, Callable[[Asked], Message]] = {
    "secure_keys": keys,
    "secure_shares": shares,
    "secure_unmask": unmask,
}
"""What clients are queried for, by the action of the message."""


def _needed(one: Asked) -> int:
    """How many of the round's cohort must stay, by what the client knows of its run."""
    return options_of(one).needed(len(one.task.cohort(one.server_round)))


def _others(one: Asked, kind: str, own: KeyPair) -> tuple[list[int], dict[int, bytes]]:
    """The clients that the message names, ascending, itself too, and their public keys of a kind.

    Raises:
        EngineError: they are too few to hide among, or none are named.
        AlteredError: the client's own key is another one.
    """
    if asks.SECURE not in one.message.content:
        raise EngineError("an update without masks is asked for, and the run sums under masks; send none")
    record: ConfigRecord = one.message.content[asks.SECURE]
    clients, keys = sorted(set(record["clients"])), bytes(record[kind])
    if len(clients) < _needed(one):
        raise EngineError(f"a client is to hide among {len(clients)}, and {_needed(one)} are needed")
    found = {client: keys[KEY * i : KEY * (i + 1)] for i, client in enumerate(record["clients"])}
    if found.get(one.partition) != own.public:
        raise AlteredError(f"client {one.partition} was told of keys that are not those that clients told")
    return clients, found


def _reply(one: Asked, told: ConfigRecord) -> Message:
    return Message(RecordDict({asks.SECURE: told}), reply_to=one.message)
