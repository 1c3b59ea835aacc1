"""How a part is to be done."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Setup:
    """What every part is told.

    Attributes:
        device: of tensors; ``cpu`` tries everything out where there is no card.
        cores: processes of the contestant without a card.
        seeds: of the study of heads; 0 for all that its file has.
        smoke: whether to do only as much as shows that it works.
        seconds: that the part has; at their end it is killed.
        out: where files are kept.
        folder: an empty one, for results of studies.
    """

    device: str
    cores: int
    seeds: int
    smoke: bool
    seconds: float
    out: Path
    folder: Path = Path()

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def load(cls, text: str) -> Self:
        """From JSON."""
        table: dict[str, Any] = json.loads(text)
        return cls(**{**table, "folder": Path(table["folder"]), "out": Path(table["out"])})

    @property
    def is_card(self) -> bool:
        """Whether the device is a card."""
        return self.device.startswith("cuda")
