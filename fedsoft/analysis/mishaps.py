"""What became of the updates that clients were asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Raised:
    """A run in which clients raised or diverged, though the scenario let nothing happen to them.

    Attributes:
        run: its label.
        count: updates lost to it.
        client: the first such client.
        number: its round.
        cause: in a line.
    """

    run: str
    count: int
    client: int
    number: int
    cause: str


@dataclass(frozen=True)
class Losses:
    """Updates that runs asked for and did not get.

    Attributes:
        asked: updates asked for.
        failed: those whose clients failed by chance.
        late: those that came too late.
        dropped: those whose clients were gone.
        void: rounds that were left with too few.
        raised: runs whose clients raised, by key.
    """

    asked: int
    failed: int
    late: int
    dropped: int
    void: int
    raised: dict[str, Raised]

    @property
    def none(self) -> bool:
        """Whether all updates arrived."""
        return not (self.failed or self.late or self.dropped or self.raised)


def losses_of(records: Mapping[str, dict[str, Any]]) -> Losses:
    """The losses of runs, from their records by key; runs that train nothing, and old ones, have none."""
    known = {key: record for key, record in records.items() if "asked" in record.get("mishaps", {})}
    told = [record["mishaps"] for record in known.values()]
    names = ("asked", "failed", "late", "dropped", "void")
    raised = {
        key: Raised(
            run=record["label"],
            count=record["mishaps"]["raised"],
            **{name: first[name] for name in ("client", "number", "cause")},
        )
        for key, record in known.items()
        for first in record["mishaps"]["first"][:1]
    }
    return Losses(**{name: sum(int(one[name]) for one in told) for name in names}, raised=raised)
