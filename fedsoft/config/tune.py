"""What tuning a study tries."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fedsoft.space import Axis

AXES_NOT_IN_GRID = (
    "grid",
    "sources",
    "rivals",
    "strategies",
    "seeds",
    "name",
    "tune",
    "device",
    "stack",
    "precision",
)
"""First parts of keys that a grid cannot vary."""
NOT_TUNED = ("training", "scenario", "folds", "tuned", "description", "cartography")
"""Keys that tuning cannot choose, beside these."""


TUNED_OF_PRIVACY = ("model.clip", "model.quantile", "model.clip_lr")
"""Keys of ``privacy`` that promise nothing."""


class Tune(BaseModel):
    """What `fedsoft tune` tries: as many points for every strategy, on seeds that the study does not report.

    ``training.lr`` is chosen for every strategy by itself, ``strategies.fedadam.eta`` is that strategy's
    alone, ``sources.smoothing.alpha`` is one for all strategies, and so is any other key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(16, ge=1, le=4096, description="points tried for every strategy")
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (100, 101), min_length=1, description="seeds of the trials, none of which the study reports"
    )
    keys: dict[str, Axis] = Field(
        min_length=1,
        description="dotted keys, each with { from = 0.02, to = 1.0, log = true } or { choices = [1, 2] }",
    )

    @property
    def shared(self) -> list[str]:
        """The keys that have one value for all strategies, but for those of sources."""
        return [key for key in self.keys if key.split(".")[0] not in ("training", "strategies", "sources")]

    def of_choice(self, kind: str, name: str) -> dict[str, str]:
        """The keys of one choice of a kind (``strategies``, ``sources``): its own dotted option by key."""
        start = f"{kind}.{name}."
        return {key: key.removeprefix(start) for key in self.keys if key.startswith(start)}

    def check(
        self, seeds: Sequence[int], grid: Mapping[str, Any], names: Mapping[str, Sequence[str]]
    ) -> None:
        """Refuse seeds that are reported, and keys that nothing can be chosen for.

        Args:
            seeds: those that the study reports.
            grid: what it varies.
            names: of its sources and strategies, by ``sources`` and ``strategies``.

        Raises:
            ValueError: with the cause and the mend.
        """
        if reported := sorted({*self.seeds} & {*seeds}):
            raise ValueError(
                f"tune.seeds has {reported[0]}, which the study reports, and nothing is tuned on that; "
                "choose others"
            )
        for key in self.keys:
            first, _, rest = key.partition(".")
            for axis in grid:
                if f"{key}.".startswith(f"{axis}.") or f"{axis}.".startswith(f"{key}."):
                    raise ValueError(
                        f"tune.keys has {key!r}, and the grid varies {axis!r}; leave it out of one of them"
                    )
            if first in names:
                name, _, option = rest.partition(".")
                if (count := list(names[first]).count(name)) != 1 or option in ("", "name"):
                    cause = {0: f"{name!r} is not among the {first}", 1: "that is no option"}
                    raise ValueError(
                        f"tune.keys has {key!r}, but "
                        f"{cause.get(count, f'{count} of the {first} are {name!r}')}; name one option of one "
                        "that is there once, such as "
                        f"'{first}.{names[first][0]}.OPTION'"
                    )
                if option in self.keys:
                    raise ValueError(
                        f"tune.keys has {key!r} and {option!r}, which are one; leave one of them out"
                    )
            elif first == "privacy" and rest not in TUNED_OF_PRIVACY:
                raise ValueError(
                    f"tune.keys has {key!r}, and what privacy promises is yours to choose: trials would "
                    "choose none; of [privacy] tune the clip norm alone"
                )
            elif key in NOT_TUNED or first in (*AXES_NOT_IN_GRID, "endpoint", "redraw"):
                raise ValueError(f"tune.keys has {key!r}, which is not for tuning to choose")
