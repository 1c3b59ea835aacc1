"""The live display of a running study."""

import time
from collections import Counter
from collections.abc import Hashable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from fedsoft.plural import plural

if TYPE_CHECKING:
    from fedsoft.study.settings import RunSettings

SECONDS_TO_JUDGE = 5.0
ROUNDS_TO_JUDGE = 3
SETTLED = 0.5
"""Seconds after the first news in which whatever is told was at work before: the clock starts after them."""


class Live:
    """Shows runs done, time left and the latest figures: live on a terminal, elsewhere now and then."""

    def __init__(self, runs: Sequence["RunSettings"]) -> None:
        self.runs = len(runs)
        self.rounds = sum(map(_rounds, runs))
        self.rounds_seen = self.done = self.lost = 0
        self.pace = Pace(runs)
        self.began = self.printed = time.monotonic()
        self.console = Console()
        self.progress = Progress(
            TextColumn("[bold]{task.fields[done]}/{task.fields[runs]}[/bold] runs"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[left]}{task.fields[figures]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task("", total=self.rounds, done=0, runs=self.runs, left="", figures="")

    def __enter__(self) -> "Live":
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        if self.runs and kind is None:
            seconds = time.monotonic() - self.began
            lost = f", {self.lost:,} failed," if self.lost else ""
            self.console.print(f"{self.done:,} of {plural(self.runs, 'run')}{lost} in {seconds:.0f} s.")

    def after_round(self, run: "RunSettings", figures: dict[str, float]) -> None:
        """Count a round, and show its figures."""
        now = time.monotonic()
        self.done += figures["round"] == run.rounds
        if trained := _rounds(run):  # the rounds before a checkpoint were made some other time
            self.rounds_seen += self.pace.after_round(run, trained - int(figures["round"]), now)
        seconds = self.pace.seconds_left
        left = "" if seconds is None else f"{_minutes(seconds)} left · "
        shown = " ".join(
            f"{name} {figures[name]:.3f}" for name in ("accuracy", "brier", "signed_gap") if name in figures
        )
        text = escape(f"{run.label()}, round {figures['round']:.0f}: {shown}")  # labels may hold brackets
        self.progress.update(self.task, completed=self.rounds_seen, done=self.done, left=left, figures=text)
        if not self.console.is_terminal and now - self.printed > 15:
            self.printed = now
            self.console.print(f"{self.done:,}/{plural(self.runs, 'run')}, {left}{text}", soft_wrap=True)

    def failed(self, run: "RunSettings") -> None:
        """Count a run that cannot be done: its other rounds will not come."""
        self.lost += 1
        self.rounds -= self.pace.end(run)
        self.progress.update(self.task, total=self.rounds)


class Pace:
    """How long the rounds that are left will take, by what rounds of each kind of run took so far.

    Runs of one kind take about as long for a round: same data, model, training and clients. The time between
    two rounds, of whichever runs, is shared by the kinds that are at work. Runs that train nothing take none.
    """

    def __init__(self, runs: Sequence["RunSettings"]) -> None:
        self.left = {run.key: _rounds(run) for run in runs}
        numbers: dict[Hashable, int] = {}
        self.kinds = {run.key: numbers.setdefault(_kind(run), len(numbers)) for run in runs}
        self.left_of: Counter[int] = Counter()
        for key, rounds in self.left.items():
            self.left_of[self.kinds[key]] += rounds
        self.working: dict[str, int] = {}
        self.spent: dict[int, float] = dict.fromkeys(numbers.values(), 0.0)
        self.seen: Counter[int] = Counter()
        self.first: float | None = None
        self.last = 0.0

    def after_round(self, run: "RunSettings", left: int, now: float) -> int:
        """Note a round of a run at a time in seconds, and how many it has left: fewer by what is returned."""
        self.working[run.key] = kind = self.kinds[run.key]
        self.first = now if self.first is None else self.first
        if now - self.first > SETTLED:
            kinds = set(self.working.values())
            for one in kinds:
                self.spent[one] += (now - self.last) / len(kinds)
            self.seen[kind] += 1
        self.last = now
        return self._shorten(run.key, left)

    def end(self, run: "RunSettings") -> int:
        """No more rounds of a run will come; how many those are."""
        return self._shorten(run.key, 0)

    def _shorten(self, key: str, left: int) -> int:
        fewer, self.left[key] = self.left[key] - left, left
        self.left_of[self.kinds[key]] -= fewer
        if not left:
            self.working.pop(key, None)
        return fewer

    @property
    def seconds_left(self) -> float | None:
        """Seconds that the rounds still to come will take; None while too little is known."""
        spent, seen = sum(self.spent.values()), self.seen.total()
        if spent < SECONDS_TO_JUDGE or seen < ROUNDS_TO_JUDGE:
            return None
        usual = spent / seen
        return sum(
            rounds * (self.spent[kind] / self.seen[kind] if self.seen[kind] else usual)
            for kind, rounds in self.left_of.items()
        )


def _rounds(run: "RunSettings") -> int:
    """The rounds that a run trains."""
    return run.rounds if run.trains else 0


def _kind(run: "RunSettings") -> Hashable:
    scenario = run.scenario
    return run.dataset, run.model, run.training, scenario.clients, scenario.participation, run.pooled


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    clock = f"{minutes % 60}:{int(seconds % 60):02d}"
    return clock if minutes < 60 else f"{minutes // 60}:{clock.zfill(5)}"
