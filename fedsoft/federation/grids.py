"""Engines, as Flower grids that show a strategy nothing but the round's cohort."""

import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence

from flwr.app import Message, MessageType, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from fedsoft.errors import EngineError
from fedsoft.federation.asked import Asked
from fedsoft.federation.programs import Stack
from fedsoft.federation.task import Task
from fedsoft.federation.together import train_together
from fedsoft.plural import plural


class CohortGrid(Grid):
    """A grid on which the cohort is drawn by partition, from the run's stream, before Flower samples.

    A strategy with ``fraction_train = 1`` can then only permute the cohort, and messages and replies
    travel in the order of partitions, so nothing depends on Flower's global random state.

    Attributes:
        task: the run.
        here: how many clients share a tensor program, where they are in this process and may train without a
            message; else None.
        cohort: the clients of the round.
    """

    def __init__(self, task: Task, here: Stack | None = None) -> None:
        self.task, self.here = task, here
        self.cohort: list[int] = []

    def open_round(self, server_round: int) -> list[int]:
        """Draw the cohort of a round; ``get_node_ids`` shows it until the next round opens."""
        self.cohort = self.task.cohort(server_round)
        return self.cohort

    @abstractmethod
    def node_of(self, partition: int) -> int:
        """The node that holds a partition."""

    @abstractmethod
    def partition_of(self, node: int) -> int:
        """The partition that a node holds."""

    def get_node_ids(self) -> Iterable[int]:
        """The nodes of the round's cohort."""
        return [self.node_of(partition) for partition in self.cohort]

    def in_order(self, messages: Iterable[Message]) -> tuple[list[int], list[Message]]:
        """The partitions that get a message, ascending, and their messages."""
        by_node = {message.metadata.dst_node_id: message for message in messages}
        chosen = [partition for partition in self.cohort if self.node_of(partition) in by_node]
        return chosen, [by_node[self.node_of(partition)] for partition in chosen]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> list[Message]:
        """Send the round's messages and return the replies, both in the order of partitions."""
        return self.exchange(*self.in_order(messages), timeout)

    @abstractmethod
    def exchange(
        self, partitions: Sequence[int], messages: Sequence[Message], timeout: float | None
    ) -> list[Message]:
        """Deliver one message to each partition and return the replies in the same order."""


class InProcessGrid(CohortGrid):
    """Clients executed in this process, ``stack`` of them as one tensor program.

    With ``messages`` they get their messages in any case, as on other engines.
    """

    def __init__(self, task: Task, stack: Stack = "all", messages: bool = False) -> None:
        super().__init__(task, here=None if messages else stack)
        self.stack = stack
        self._run = Run.create_empty(1)
        TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1
        self._sent = 0
        self._replies: dict[str, Message] = {}

    @property
    def run(self) -> Run:
        """Flower's information on the run."""
        return self._run

    def set_run(self, run: Run) -> None:
        """Set Flower's information on the run."""
        self._run = run

    def node_of(self, partition: int) -> int:
        """Nodes are numbered from 1: Flower keeps 0 for none."""
        return partition + 1

    def partition_of(self, node: int) -> int:
        """See `node_of`."""
        return node - 1

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message to a node."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Execute messages; their replies wait to be pulled."""
        listed = list(messages)
        partitions = [message.metadata.dst_node_id - 1 for message in listed]
        replies = train_together(self.asked(partitions, listed), self.stack)
        names = [message.metadata.message_id for message in listed]
        self._replies.update(zip(names, replies, strict=True))
        return names

    def asked(self, partitions: Sequence[int], messages: Sequence[Message]) -> list[Asked]:
        """The clients of partitions, and numbered messages to them."""
        for message in messages:
            self._sent += 1
            message.metadata.__dict__["_message_id"] = str(self._sent)
        return [Asked(self.task, *one) for one in zip(partitions, messages, strict=True)]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """The replies to pushed messages."""
        return [self._replies.pop(name) for name in message_ids if name in self._replies]

    def exchange(
        self, partitions: Sequence[int], messages: Sequence[Message], timeout: float | None
    ) -> list[Message]:
        """Execute at once; there is nothing to wait for."""
        return list(self.pull_messages(self.push_messages(messages)))


class FlowerGrid(CohortGrid):
    """A grid of Flower's own (Ray simulation, SuperLink), seen through the cohort of a run."""

    def __init__(self, task: Task, grid: Grid, nodes: dict[int, int]) -> None:
        super().__init__(task)
        self.grid, self.nodes = grid, nodes
        self._partitions = {node: partition for partition, node in nodes.items()}

    @property
    def run(self) -> Run:
        """Flower's information on the run."""
        return self.grid.run

    def set_run(self, run: Run) -> None:
        """Set Flower's information on the run."""
        self.grid.set_run(run)

    def node_of(self, partition: int) -> int:
        """The node that answered with this partition."""
        return self.nodes[partition]

    def partition_of(self, node: int) -> int:
        """The partition that the node answered with."""
        return self._partitions[node]

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """A message to a node."""
        return self.grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Pass messages on."""
        return self.grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Pass replies back."""
        return self.grid.pull_messages(message_ids)

    def exchange(
        self, partitions: Sequence[int], messages: Sequence[Message], timeout: float | None
    ) -> list[Message]:
        """Send, wait, and put the replies into the order of partitions."""
        replies = {
            reply.metadata.src_node_id: reply
            for reply in self.grid.send_and_receive(messages, timeout=timeout)
        }
        if lost := [p for p in partitions if self.nodes[p] not in replies]:
            raise EngineError(f"clients {lost} did not answer in time; run again to continue.")
        return [replies[self.nodes[partition]] for partition in partitions]


def find_nodes(grid: Grid, clients: int, patience: float = 120.0) -> dict[int, int]:
    """Wait until all clients are connected, and ask each node which partition it is, again if need be.

    Raises:
        EngineError: fewer nodes connect or answer than there are clients.
    """
    deadline = time.monotonic() + patience
    while len(nodes := list(grid.get_node_ids())) < clients:
        if time.monotonic() > deadline:
            wanted = plural(clients, "client")
            raise EngineError(f"only {len(nodes)} of {wanted} connected within {patience:.0f} s.")
        time.sleep(0.1)
    found: dict[int, int] = {}
    silent = set(nodes)
    while silent and time.monotonic() < deadline:  # a busy machine loses messages
        questions = [Message(RecordDict(), node, MessageType.QUERY) for node in sorted(silent)]
        for reply in grid.send_and_receive(questions, timeout=patience / 4):
            if reply.has_content():
                found[int(reply.content["metrics"]["partition-id"])] = reply.metadata.src_node_id
                silent.discard(reply.metadata.src_node_id)
        time.sleep(0.1 if silent else 0)
    if missing := sorted(set(range(clients)) - set(found)):
        unheard = f"{plural(len(silent), 'node')} did not answer within {patience:.0f} s; " if silent else ""
        raise EngineError(
            f"no node holds the partitions {missing}; {unheard}start {plural(clients, 'client')}."
        )
    return found
