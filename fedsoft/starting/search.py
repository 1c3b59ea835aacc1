"""A short search for learning rate and rounds, on seeds that the study does not report."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fedsoft.execution.conduct import run_study
from fedsoft.execution.search import Tried, searching, tried
from fedsoft.report.live import Live
from fedsoft.starting.models import near
from fedsoft.starting.rest import Settled, best, settle
from fedsoft.study.opened import OpenStudy, open_study
from fedsoft.study.settings import RunSettings

KEY = "training.lr"
SEEDS = (1000, 1001)
SECONDS = 25.0
"""How long a search should take; at thrice that, where cores are busy, it stops with what there is."""
PROBE_SECONDS = 1.5
STARTING_SECONDS = 4.0
"""What it costs to start processes: below twice that, this one does the work."""


@dataclass(frozen=True)
class Size:
    """How much is tried: so many rates, arms, seeds and rounds."""

    rates: int
    arms: int
    seeds: int
    rounds: int

    @property
    def run_rounds(self) -> int:
        """Rounds of all runs."""
        return self.rates * self.arms * self.seeds * self.rounds


SIZES = (
    Size(4, 2, 2, 60),
    Size(4, 2, 1, 60),
    Size(4, 2, 1, 40),
    Size(3, 2, 1, 40),
    Size(3, 2, 1, 25),
    Size(3, 1, 1, 25),
    Size(3, 1, 1, 15),
)
"""The first that there is time for is taken."""


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        chosen: rate and rounds; None where there was no time to search, or nothing to judge by.
        tuned: how they were chosen, for the study file.
        run_second: seconds that a round of a run took, all cores at work.
        warning: a sentence where nothing was learned; else empty.
    """

    chosen: Settled | None
    tuned: str
    run_second: float
    warning: str = ""


def search(table: Mapping[str, Any], arms: Sequence[Any], middle: float, constant: float) -> Searched:
    """Try learning rates around a middle one.

    Args:
        table: the study file, whose data, model and clients are used.
        arms: sources to try, the baseline first.
        middle: the rate in the middle.
        constant: NLL of a constant forecast on labels.
    """
    with tempfile.TemporaryDirectory(prefix="fedsoft-") as folder:
        trial = Trial(table, arms, Path(folder))
        cores = os.cpu_count() or 1
        a_round = trial.probe(middle)
        sizes = [size for size in SIZES if size.run_rounds * a_round / cores <= SECONDS]
        if not sizes:
            why = "a search would take too long on these data"
            return Searched(None, f"not tuned: {why}", a_round / cores)
        size = sizes[0]
        alone = size.run_rounds * a_round < 2 * STARTING_SECONDS
        rates = [near(middle, step) for step in range(-(size.rates // 2), -(-size.rates // 2))]
        seconds, run_second = trial.run(rates, size, 1 if alone else None)
        found = trial.settled()
        while found and seconds < SECONDS:
            edge = _beyond([one.lr for one in found.values()], best(list(found.values())).lr)
            if edge is None or edge in rates or len(rates) > size.rates + 2:
                break
            rates.append(edge)
            seconds += trial.run(rates, size, 1 if alone else None)[0]
            found = trial.settled()
        if not found:
            why = "no run of a search came to an end with validation examples"
            return Searched(None, f"not tuned: {why}", run_second)
        return _searched(list(found.values()), trial.tried, size, constant, run_second)


@dataclass
class Trial:
    """Runs that are tried in a folder of their own."""

    table: Mapping[str, Any]
    arms: Sequence[Any]
    folder: Path
    tried: list[Tried] = field(default_factory=list)

    def probe(self, rate: float) -> float:
        """Seconds that a round of one run takes a core that has nothing else to do."""
        times: list[float] = []
        began = time.monotonic()
        study = self._study([rate], Size(1, 1, 1, SIZES[0].rounds), "probe")
        run_study(
            study,
            "inprocess",
            1,
            lambda run, figures: times.append(time.process_time()),
            lambda: len(times) > 2 and time.monotonic() - began > PROBE_SECONDS,
        )
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else float("inf")

    def run(self, rates: Sequence[float], size: Size, workers: int | None) -> tuple[float, float]:
        """Try some rates, if they were not tried yet.

        Returns:
            seconds that it took, and seconds a round of a run once all were at work.
        """
        study = self._study(sorted(rates), size, "search")
        began, times = time.monotonic(), [time.monotonic()]
        with Live(study.open_runs) as live:

            def after_round(run: RunSettings, figures: dict[str, float]) -> None:
                times.append(time.monotonic())
                live.after_round(run, figures)

            def late() -> bool:
                return time.monotonic() - began > 3 * SECONDS

            run_study(study, "inprocess", workers, after_round, late, failed=live.failed)
        self.tried = tried(study, KEY)
        return time.monotonic() - began, (times[-1] - times[1]) / (len(times) - 2) if len(times) > 2 else 0.0

    def settled(self) -> dict[float, Settled]:
        """What each rate came to, of those whose runs are done and did not diverge."""
        rates = sorted({one.value for one in self.tried})
        return {rate: settle([one for one in self.tried if one.value == rate]) for rate in rates}

    def _study(self, rates: Sequence[float], size: Size, name: str) -> OpenStudy:
        table = {key: value for key, value in self.table.items() if key not in ("rivals", "endpoint")}
        table |= {"sources": list(self.arms[: size.arms]), "rounds": size.rounds}
        table = searching(table, KEY, rates, SEEDS[: size.seeds])
        return open_study(table, "the search for a learning rate", self.folder / name)


def _beyond(rates: Sequence[float], chosen: float) -> float | None:
    """The next rate beyond those tried, where the chosen one is at their edge."""
    if chosen == min(rates):
        return near(chosen, -1)
    return near(chosen, 1) if chosen == max(rates) else None


def _searched(
    found: Sequence[Settled], arms: Sequence[Tried], size: Size, constant: float, run_second: float
) -> Searched:
    chosen = best(found)
    names = list(dict.fromkeys(one.arm for one in arms))
    seeds = " and ".join(map(str, SEEDS[: size.seeds]))
    rates = ", ".join(f"{one.lr:g}" for one in found)
    losses = ", ".join(f"{one.nll:.3f}" for one in found)
    tuned = (
        f"lr among {rates} by mean validation NLL of {' and '.join(names)} ({losses}), with "
        f"seed{'s' * (size.seeds > 1)} {seeds} (fedsoft init): the smallest within 0.01 of the least"
    )
    if chosen.at_rest:
        tuned += f"; rounds after which training was at rest, of {size.rounds} tried"
    else:
        tuned += f"; training had not come to rest after {size.rounds} rounds, so twice as many"
    hard = [one for one in arms if one.value == chosen.lr and one.arm == names[0]]
    nll = float(np.mean([one.nll[:, chosen.rounds] for one in hard]))
    warning = ""
    if nll > constant - 0.01:
        warning = (
            f"On validation examples, {names[0]} was no better than a constant forecast (NLL {nll:.2f} "
            f"against {constant:.2f}): check that the inputs tell classes apart."
        )
    return Searched(chosen, tuned, run_second, warning)
