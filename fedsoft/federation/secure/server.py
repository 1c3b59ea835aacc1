"""The server's side of secure aggregation: it has clients agree on masks, and opens their sum."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from flwr.app import ConfigRecord, Message, MessageType

from fedsoft.federation import asks
from fedsoft.federation.codes import ALTERED, FAILING, NOT_FINITE
from fedsoft.federation.exchange import Exchange, RoundError
from fedsoft.federation.grids import CohortGrid
from fedsoft.federation.records import RecordDict
from fedsoft.federation.secure.keys import KeyPair, Told, commitment, own_mask, pair_mask
from fedsoft.federation.secure.shamir import combine
from fedsoft.federation.secure.words import from_words
from fedsoft.federation.totals import Total
from fedsoft.privacy import SecureSum

T = TypeVar("T")
Stages = Generator[Exchange, list[Message], T]
"""Exchanges of a round, and what comes of them."""
Answered = list[tuple[int, Message]]
"""Partitions and their replies."""


@dataclass
class Agreed:
    """A cohort whose clients agreed on masks; those that did not are out.

    Attributes:
        grid: the engine.
        number: the round.
        config: what all clients are told.
        told: public keys and commitments of the clients that can take part, ascending.
        sealed: by client, the shares that were sealed for it, by sender.
        lost: error replies so far.
        sent: bytes so far.
    """

    grid: CohortGrid
    number: int
    config: ConfigRecord
    told: dict[int, Told] = field(default_factory=dict)
    sealed: dict[int, dict[int, bytes]] = field(default_factory=dict)
    lost: Answered = field(default_factory=list)
    sent: int = 0

    @property
    def options(self) -> SecureSum:
        """How the run sums."""
        assert self.grid.task.secure_sum is not None
        return self.grid.task.secure_sum

    def record(self, kind: str) -> ConfigRecord:
        """All clients and their public keys of a kind, one after the other."""
        keys = b"".join(getattr(told, kind) for told in self.told.values())
        return ConfigRecord({"clients": list(self.told), kind: keys})

    def ask(self, partitions: list[int], messages: list[Message]) -> tuple[list[int], list[Message]]:
        """Those of the partitions that agreed, and their messages, which name all with whom they mask."""
        record, kept = self.record("masking"), []
        for partition, message in zip(partitions, messages, strict=True):
            if partition in self.told:
                asks.give(message, asks.SECURE, record)
                kept.append(message)
        return list(self.told), kept

    def query(self, action: str, records: Mapping[int, ConfigRecord | None]) -> Stages[Answered]:
        """The good replies of clients to a query, each with a record of its own."""
        messages = []
        for partition, record in records.items():
            config = ConfigRecord({**self.config, "server-round": self.number})
            content = RecordDict({"config": config} | ({asks.SECURE: record} if record else {}))
            messages.append(
                Message(
                    content=content,
                    dst_node_id=self.grid.node_of(partition),
                    message_type=f"{MessageType.QUERY}.{action}",
                    group_id=str(self.number),
                )
            )
        self.sent += sum(map(asks.size_of, messages))
        replies = (yield Exchange(self.grid, list(records), messages)) if messages else []
        answered = list(zip(records, replies, strict=True))
        self.sent += sum(asks.size_of(reply) for reply in replies if reply.has_content())
        self.lost += [one for one in answered if one[1].has_error()]
        self.check_unaltered(self.lost)
        return [one for one in answered if one[1].has_content()]

    def open(self, used: Answered) -> Stages[Total]:
        """The total over the clients whose masked words arrived; what of the others' is late stays masked.

        Args:
            used: those clients, and their replies.

        Raises:
            RoundError: too few reveal shares, or something was altered.
        """
        there, before = [p for p, _ in used], len(self.lost)
        records: dict[int, ConfigRecord | None] = {}
        for partition in there:
            record = self.record("sealing")
            record["there"] = there
            record["sealed"] = [self.sealed[partition][sender] for sender in self.told]
            records[partition] = record
        revealed = yield from self.query("secure_unmask", records)
        self.check_left(len(revealed), self.lost[before:], "revealed their shares")
        enough = revealed[: self.options.needed(len(self.grid.cohort))]
        shares = {p + 1: reply.content[asks.SECURE]["shares"] for p, reply in enough}
        total = np.zeros_like(_words(used[0][1]))
        for _, reply in used:
            total += _words(reply)
        for i, (partition, told) in enumerate(self.told.items()):
            try:
                secret = combine({point: some[i] for point, some in shares.items()})
            except ValueError:
                secret = b""
            if partition in there:
                if not secret or commitment(secret) != told.commitment:
                    raise self._altered(partition)
                total -= own_mask(secret, len(total))
                continue
            key = KeyPair(secret) if secret else None
            if key is None or key.public != told.masking:
                raise self._altered(partition)
            for other in there:  # what those in the sum added or subtracted for the lost one
                words = pair_mask(key, self.told[other].masking, len(total))
                total += words if other > partition else -words
        return self._total(total, used[0][1], len(used))

    def _total(self, words: np.ndarray, reply: Message, clients: int) -> Total:
        bound = self.options.bound(self.grid.task.train.sizes)
        names = list(reply.content[asks.SECURE]["metrics"])
        row, examples, metrics = from_words(words, names, bound, self.options)
        return Total(row, examples / bound, metrics, clients, examples)

    def check_left(self, count: int, lost: Answered, what: str = "are left to be summed") -> None:
        """Refuse a sum of so few clients, before anything is revealed of them.

        Args:
            count: of clients.
            lost: error replies of those that are not among them.
            what: those clients do.

        Raises:
            RoundError: they are fewer than the threshold, or something was altered.
        """
        self.check_unaltered(lost)
        needed = self.options.needed(len(self.grid.cohort))
        if count >= needed:
            return
        told = [one for one in lost if one[1].error.code != FAILING]
        partition, detail = None, ""
        mend = (
            "run again to try the round again, with other chances, or lower scenario.mishaps or the threshold"
        )
        if told:
            partition, (cause, detail) = told[0][0], _reason(told[0][1])
            mend = f"client {partition} failed, as {cause}"
        raise RoundError(
            f"round {self.number}: {count} of {len(self.grid.cohort)} clients {what}, and {needed} are "
            f"needed (privacy.secure_sum.threshold); {mend}.",
            self.number,
            partition,
            detail,
            untouched=True,
        )

    def check_unaltered(self, lost: Answered) -> None:
        """End the round where a client was sent what another one did not write.

        Raises:
            RoundError: that one was.
        """
        for partition, reply in lost:
            if reply.error.code == ALTERED:
                cause, detail = _reason(reply)
                raise RoundError(
                    f"round {self.number}: {cause}.", self.number, partition, detail, untouched=True
                )

    def _altered(self, partition: int) -> RoundError:
        return RoundError(
            f"round {self.number}: the shares of client {partition}'s secret do not give it back, since some "
            "were changed; find out by whom, and run again.",
            self.number,
            partition,
            untouched=True,
        )


def agree(grid: CohortGrid, partitions: Sequence[int], number: int, config: ConfigRecord) -> Stages[Agreed]:
    """Stages 1 and 2: the clients of a cohort exchange keys, and shares of their secrets.

    Raises:
        RoundError: so few take part that the sum would hide nobody, or could not be opened.
    """
    agreed = Agreed(grid, number, config)
    try:
        agreed.options.check_cohort(len(partitions))
    except ValueError as error:
        raise RoundError(f"round {number}: {error}.", number, untouched=True) from None
    for partition, reply in (yield from agreed.query("secure_keys", dict.fromkeys(partitions))):
        told = reply.content[asks.SECURE]
        agreed.told[partition] = Told(told["masking"], told["sealing"], told["commitment"])
    agreed.check_left(len(agreed.told), agreed.lost)
    clients, record = list(agreed.told), agreed.record("sealing")
    dealt = yield from agreed.query("secure_shares", dict.fromkeys(clients, record))
    agreed.told = {partition: agreed.told[partition] for partition, _ in dealt}
    agreed.check_left(len(agreed.told), agreed.lost)
    agreed.sealed = {partition: {} for partition in agreed.told}
    for sender, reply in dealt:
        for partition, sealed in zip(clients, reply.content[asks.SECURE]["sealed"], strict=True):
            if partition in agreed.told:
                agreed.sealed[partition][sender] = sealed
    return agreed


def _reason(reply: Message) -> tuple[str, str]:
    """Why a client failed, in a line, and the traceback."""
    cause, _, detail = (reply.error.reason or "no reason given").partition("\n")
    return cause + "; lower training.lr" * (reply.error.code == NOT_FINITE), detail


def _words(reply: Message) -> np.ndarray:
    words: np.ndarray = reply.content["arrays"][asks.SECURE].numpy()
    return words
