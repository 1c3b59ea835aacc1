"""The live display of a running study."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

if TYPE_CHECKING:
    from fedsoft.study.settings import RunSettings


class Live:
    """Shows runs done, time left and the latest figures: live on a terminal, elsewhere now and then."""

    def __init__(self, runs: Sequence["RunSettings"]) -> None:
        self.runs = len(runs)
        self.rounds = sum(run.rounds if run.kind in ("teacher", "trained") else 1 for run in runs)
        self.rounds_seen = self.done = 0
        self.began = self.printed = time.monotonic()
        self.console = Console()
        self.progress = Progress(
            TextColumn("[bold]{task.fields[done]}/{task.fields[runs]}[/bold] runs"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[left]} left · {task.fields[figures]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task(
            "", total=self.rounds, done=0, runs=self.runs, left="?", figures=""
        )

    def __enter__(self) -> "Live":
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()
        if self.runs and kind is None:
            seconds = time.monotonic() - self.began
            self.console.print(f"{self.done} of {self.runs} runs in {seconds:.0f} s.")

    def after_round(self, run: "RunSettings", figures: dict[str, float]) -> None:
        """Count a round, and show its figures."""
        self.rounds_seen += 1
        self.done += figures["round"] == run.rounds
        spent = time.monotonic() - self.began
        left = _minutes(spent / self.rounds_seen * (self.rounds - self.rounds_seen))
        shown = " ".join(
            f"{name} {figures[name]:.3f}" for name in ("accuracy", "brier", "signed_gap") if name in figures
        )
        text = escape(f"{run.label()}, round {figures['round']:.0f}: {shown}")  # labels may hold brackets
        self.progress.update(self.task, completed=self.rounds_seen, done=self.done, left=left, figures=text)
        if not self.console.is_terminal and time.monotonic() - self.printed > 15:
            self.printed = time.monotonic()
            self.console.print(f"{self.done}/{self.runs} runs, {left} left · {text}", soft_wrap=True)


def _minutes(seconds: float) -> str:
    minutes = int(seconds // 60)
    clock = f"{minutes % 60}:{int(seconds % 60):02d}"
    return clock if minutes < 60 else f"{minutes // 60}:{clock.zfill(5)}"
