"""A short search for model, learning rate and rounds, on seeds that the study does not report."""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fedsoft.execution.conduct import run_study
from fedsoft.execution.search import Tried, searching, tried
from fedsoft.report.live import Live
from fedsoft.report.numbers import duration
from fedsoft.starting.models import near
from fedsoft.starting.rest import ALIKE, LENGTHS, Settled, bar, best, settle
from fedsoft.study.opened import OpenStudy, open_study
from fedsoft.study.settings import RunSettings

KEY = "training.lr"
SEEDS = tuple(range(1000, 1008))
SECONDS, FURTHER = 20.0, 35.0
"""How long first rates should take, and until when others or more rounds are begun."""
ASIDE = 5.0
"""What of it a model beside the usual one may take."""
LATEST = 75.0
"""Where cores are busy, a search stops after so many seconds with what there is."""
PROBE_SECONDS = 1.5
STARTING_SECONDS = 4.0
"""What it costs to start processes: below twice that, this one does the work."""
ENOUGH = 40
"""Validation examples, over all seeds, from which on rates can be told apart."""
HIGHEST = 2
"""Steps above a model's middle rate that are tried at most, where lower ones do not learn."""
EXTRA = 2
"""Rates beyond the first ones, where the best is at their edge."""


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


def sizes(validating: int) -> list[Size]:
    """What to try where a seed has so many validation examples; the first that there is time for is taken."""
    several = min(max(-(-ENOUGH // max(validating, 1)), 1), len(SEEDS))
    half = max(several // 2, 1)
    return [
        Size(4, 2, max(several, 2), 60),
        Size(4, 2, several, 60),
        Size(4, 2, several, 40),
        Size(3, 2, several, 40),
        Size(3, 2, several, 25),
        Size(3, 2, half, 25),
        Size(3, 1, half, 25),
        Size(3, 1, half, 15),
    ]


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes:
        chosen: rate and rounds; None where there was no time to search, or nothing to judge by.
        model: which of the models it is for.
        why: why that one; empty where it is the first.
        tuned: how all this was chosen, for the study file.
        run_second: seconds that a round of a run took, all cores at work.
        warning: sentences where nothing was learned; else empty.
    """

    chosen: Settled | None
    model: int
    why: str
    tuned: str
    run_second: float
    warning: str = ""


def search(
    table: Mapping[str, Any],
    arms: Sequence[Any],
    models: Sequence[tuple[Any, float]],
    constant: float,
    validating: int,
) -> Searched:
    """Try learning rates around a middle one, for one model or some.

    Where nothing learns, higher rates and more rounds are tried while there is time.

    Args:
        table: the study file, whose data and clients are used.
        arms: sources to try, the baseline first.
        models: as a study file spells them, each with its middle rate; the usual one first.
        constant: Brier score of a constant forecast on labels.
        validating: validation examples of a seed.
    """
    with tempfile.TemporaryDirectory(prefix="fedsoft-") as folder:
        began = time.monotonic()
        trials = [
            Trial({**table, "model": model}, arms, middle, constant, validating, Path(folder) / str(i), began)
            for i, (model, middle) in enumerate(models)
        ]
        for trial in trials[1:]:
            trial.first(ASIDE)
        trials[0].first(SECONDS - ASIDE * len(trials[1:]))
        while step := _further(trials, time.monotonic() - began):
            trial, rates, rounds = step
            trial.run(rates, rounds)
        return _searched(trials, time.monotonic() - began)


@dataclass
class Trial:
    """Runs of one model that are tried in a folder of their own."""

    table: Mapping[str, Any]
    arms: Sequence[Any]
    middle: float
    constant: float
    validating: int
    folder: Path
    began: float
    size: Size | None = None
    run_second: float = 0.0
    begun: dict[float, int] = field(default_factory=dict)
    """The most rounds that each rate was given, whether it came to an end or not."""
    found: dict[float, Settled] = field(default_factory=dict)
    arm_labels: list[str] = field(default_factory=list)

    @property
    def rounds(self) -> int:
        """The most rounds that were tried."""
        return max(self.begun.values(), default=0)

    @property
    def label(self) -> str:
        """The model's name."""
        model = self.table["model"]
        return model if isinstance(model, str) else str(model["name"])

    @property
    def best(self) -> Settled | None:
        """The best rate's; None where no run came to an end."""
        return best(list(self.found.values())) if self.found else None

    def first(self, seconds: float) -> None:
        """Try as many rates around the middle one as there is time for, if for any."""
        a_round = self._probe()
        self.run_second = a_round / (os.cpu_count() or 1)
        fitting = (one for one in sizes(self.validating) if one.run_rounds * self.run_second <= seconds)
        self.size = next(fitting, None)
        if self.size:
            half = self.size.rates // 2
            self.run(
                [near(self.middle, step) for step in range(-half, self.size.rates - half)], self.size.rounds
            )

    def run(self, rates: Sequence[float], rounds: int) -> None:
        """Try some rates for so many rounds."""
        assert self.size is not None
        alone = self.seconds(rates, rounds) * (os.cpu_count() or 1) < 2 * STARTING_SECONDS
        study = self._study(sorted(rates), self.size.arms, self.size.seeds, rounds)
        times = [time.monotonic()]
        with Live(study.open_runs) as live:

            def after_round(run: RunSettings, figures: dict[str, float]) -> None:
                times.append(time.monotonic())
                live.after_round(run, figures)

            def late() -> bool:
                return time.monotonic() - self.began > LATEST

            run_study(study, "inprocess", 1 if alone else None, after_round, late, failed=live.failed)
        if len(times) > 2:
            self.run_second = (times[-1] - times[1]) / (len(times) - 2)
        self.begun |= {rate: max(rounds, self.begun.get(rate, 0)) for rate in rates}
        by_rate: dict[float, list[Tried]] = {}
        for one in tried(study, KEY):
            by_rate.setdefault(one.value, []).append(one)
        below = bar(self.constant, self.size.seeds * self.validating)
        for rate, arms in sorted(by_rate.items()):
            self.found[rate] = settle(arms, below)
            self.arm_labels = [one.arm for one in arms]

    def seconds(self, rates: Sequence[float], rounds: int) -> float:
        """How long some rates are likely to take, once runs are at work."""
        assert self.size is not None
        return len(rates) * self.size.arms * self.size.seeds * rounds * self.run_second

    def widening(self) -> Iterator[tuple[list[float], int]]:
        """What could be tried where nothing learned, from the most to the least."""
        top = max(self.begun)
        above = [near(top, 1)] if near(top, 1) <= near(self.middle, HIGHEST) else []
        longer = 2 * self.rounds
        if longer <= LENGTHS[-1]:
            yield [top, *above], longer
        yield above, self.rounds
        if longer <= LENGTHS[-1]:
            yield [top], longer

    def improving(self, one: Settled) -> Iterator[tuple[list[float], int]]:
        """What could be tried beside the best rate: the next beyond an edge, or more rounds."""
        assert self.size is not None
        edge = _beyond(list(self.found), one.lr)
        if edge and edge not in self.begun and len(self.begun) < self.size.rates + EXTRA:
            yield [edge], self.begun[one.lr]
        elif not one.at_rest and 2 * self.begun[one.lr] <= LENGTHS[-1]:
            yield [one.lr], 2 * self.begun[one.lr]

    def _probe(self) -> float:
        """Seconds that a round of one run takes a core that has nothing else to do."""
        times: list[float] = []
        began = time.monotonic()
        run_study(
            self._study([near(self.middle)], 1, 1, LENGTHS[-1], "probe"),
            "inprocess",
            1,
            lambda run, figures: times.append(time.process_time()),
            lambda: len(times) > 2 and time.monotonic() - began > PROBE_SECONDS,
        )
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else float("inf")

    def _study(
        self, rates: Sequence[float], arms: int, seeds: int, rounds: int, name: str = "search"
    ) -> OpenStudy:
        table = {key: value for key, value in self.table.items() if key not in ("rivals", "endpoint")}
        table |= {"sources": list(self.arms[:arms]), "rounds": rounds}
        table = searching(table, KEY, rates, SEEDS[:seeds])
        return open_study(table, "the search for a learning rate", self.folder / name)


def _further(trials: Sequence[Trial], elapsed: float) -> tuple[Trial, list[float], int] | None:
    """The next thing to try, if there is any that there is time for."""
    trials = [trial for trial in trials if trial.begun]
    chosen = _chosen(trials)
    if chosen and (one := chosen.best) and one.learned:
        steps = [(chosen, rates, rounds) for rates, rounds in chosen.improving(one)]
    else:
        steps = [(trial, rates, rounds) for trial in trials for rates, rounds in trial.widening() if rates]
    for trial, rates, rounds in steps:
        if elapsed + trial.seconds(rates, rounds) <= FURTHER:
            return trial, rates, rounds
    return None


def _chosen(trials: Sequence[Trial]) -> Trial | None:
    """The trial of the best model: of those that learned, the usual one if it is about as good as any."""
    some = [(trial, trial.best) for trial in trials if trial.best]
    some = [(trial, one) for trial, one in some if one.learned] or some
    least = min((one.nll for _, one in some), default=0.0)
    return next((trial for trial, one in some if one.nll <= least + ALIKE), None)


def _beyond(rates: Sequence[float], chosen: float) -> float | None:
    """The next rate beyond those tried, where the chosen one is at their edge."""
    if chosen == min(rates):
        return near(chosen, -1)
    return near(chosen, 1) if chosen == max(rates) else None


def _searched(trials: Sequence[Trial], seconds: float) -> Searched:
    chosen = _chosen(trials)
    if chosen is None or chosen.best is None:
        why = "no run of a search came to an end with validation examples"
        if not any(trial.begun for trial in trials):
            why = "a search would take too long on these data"
        return Searched(None, 0, "", f"not tuned: {why}", trials[0].run_second)
    one, usual = chosen.best, trials[0]
    if not one.learned:
        return _nothing_learned(trials, seconds)
    resting = " of those at rest" if one.at_rest else ""
    tuned = f"{_what(trials)}: the smallest{resting} within {ALIKE} of their least"
    if len([trial for trial in trials if trial.found]) > 1:
        tuned += f", of {chosen.label}"
    if one.at_rest:
        tuned += f"; rounds after which training was at rest, of {chosen.begun[one.lr]} tried"
    else:
        tuned += f"; training had not come to rest after {one.rounds} rounds, so twice as many"
    why = ""
    if chosen is not usual:
        why = f"{usual.label} took too long for a search"
        if usual.best:
            why = f"validation NLL {one.nll:.2f}, against {usual.best.nll:.2f} of {usual.label}, in a search"
    return Searched(one, trials.index(chosen), why, tuned, chosen.run_second)


def _nothing_learned(trials: Sequence[Trial], seconds: float) -> Searched:
    """The usual model with a guess: its middle rate, and more rounds than were tried."""
    usual = trials[0]
    rates = " and ".join(
        f"{trial.label} at lr {min(trial.begun):g} to {max(trial.begun):g} for up to {trial.rounds} rounds"
        for trial in trials
        if trial.begun
    )
    least = min(one.brier for trial in trials for one in trial.found.values())
    lr = near(usual.middle)
    rounds = max(trial.rounds for trial in trials)
    guess = Settled(lr, rounds, False, float("nan"), least, False)
    larger = ", a larger dataset.size" if usual.label == "cnn" else ""
    warning = (
        f"The search found nothing that learns in {duration(seconds)}: {rates} did not beat a constant "
        f"forecast on validation examples beyond chance (Brier score {least:.3f} in the best one's last "
        f"rounds, against {usual.constant:.3f}). Rate and rounds are a guess. Try more rounds, another model "
        f"(`fedsoft list models`){larger} or more data; else inputs may not tell classes apart."
    )
    tuned = f"not tuned: nothing learned, of {_what(trials)}; the middle rate and more rounds are a guess"
    return Searched(guess, 0, "", tuned, usual.run_second, warning)


def _what(trials: Sequence[Trial]) -> str:
    """What was tried and what came of it, with seeds."""
    told = []
    some = [trial for trial in trials if trial.found]
    for trial in some:
        ordered = sorted(trial.found.items())
        rates = ", ".join(f"{rate:g}" for rate, _ in ordered)
        losses = ", ".join(f"{one.nll:.3f}" for _, one in ordered)
        told.append(f"{rates}{f' of {trial.label}' if len(some) > 1 else ''} ({losses})")
    seeds = sorted({trial.size.seeds for trial in some if trial.size})
    named = f"{' or '.join(map(str, seeds))} {'seed' if seeds == [1] else 'seeds'} from {SEEDS[0]} on"
    arms = " and ".join(dict.fromkeys(label for trial in some for label in trial.arm_labels))
    return f"lr among {' and '.join(told)} by mean validation NLL of {arms}, with {named} (fedsoft init)"
