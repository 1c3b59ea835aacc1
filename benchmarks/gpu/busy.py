"""How much of the time in which runs train a card is at work, by the intervals of its kernels."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.setup import Setup
from benchmarks.gpu.work import Table, heads, images, tiny
from fedsoft.execution.groups import groups_of
from fedsoft.execution.lockstep import execute_together
from fedsoft.execution.run import Hooks, Interrupted
from fedsoft.study.opened import open_study
from fedsoft.study.settings import RunSettings
from fedsoft.training import compute_in

FIRST = 2
"""The round after which the window opens: forms and numbers of clients are measured, memory is taken."""
SECONDS = 1.0
"""At least so long it stays open, in whole rounds: a second holds some hundred thousand kernels."""
TOP = 8
PLAIN = ["hard", "human_soft", "human_soft_mode_matched", "shuffled_mode_matched"]
"""Sources that need no teacher, as all runs of a group are to begin at once."""


def rows(setup: Setup) -> Iterator[dict[str, Any]]:
    """Of heads and of images: the share of a window in which kernels run, or copies too, and which."""
    compute_in("float32", setup.device)
    for name, full in (("heads", heads()), ("images", images())):
        table = {**full, "sources": PLAIN, "rivals": [], "grid": {}}
        table.pop("endpoint", None)
        if setup.smoke:
            table = {**tiny(table), "rounds": FIRST + 2}
        yield {"study": name, **window(table, setup.device, setup.folder / name)}


def window(table: Table, device: str, folder: Path) -> dict[str, Any]:
    """Profile some rounds of a study's first group of runs."""
    opened = open_study({**table, "device": device}, "benchmark", folder)
    runs, stack = groups_of(opened.plan.runs, "auto", 1, device)[0]
    watch = Watch(device)
    with contextlib.suppress(Interrupted):
        execute_together(runs, opened.store, stack, device, Hooks(watch.after_round, lambda: watch.closed))
    watch.close()
    if not watch.found.get("kernels"):
        why = opened.failures[0].failure["message"] if opened.failures else "the profiler saw no kernel"
        raise RuntimeError(f"nothing was watched: {why}")
    return {"runs": len(runs), "stack": stack, **watch.found}


@dataclass
class Watch:
    """Opens a profiler at the beginning of a round, and closes it at that of another.

    Attributes:
        device: what is watched.
        found: what was seen, in the end.
        closed: whether the window is.
    """

    device: str
    found: dict[str, Any] = field(default_factory=dict)
    closed: bool = False
    _round: float = -1
    _rounds: int = 0
    _began: float = 0.0
    _profiler: Any = None

    def after_round(self, run: RunSettings, figures: dict[str, float]) -> None:
        """Look whether it is time: the first run of a round tells that all have trained."""
        if figures["round"] == self._round or self.closed:
            return
        self._round = figures["round"]
        if self._profiler is not None:
            self._rounds += 1
            if time.perf_counter() - self._began >= SECONDS:
                self.close()
        elif self._round >= FIRST:
            kind = ProfilerActivity.CUDA if self.device.startswith("cuda") else ProfilerActivity.CPU
            self._profiler = profile(activities=[kind])
            self._profiler.start()
            self._wait()
            self._began = time.perf_counter()

    def close(self) -> None:
        """Close the window, and see what was done in it."""
        if self._profiler is None or self.closed:
            return
        self._wait()
        seconds = time.perf_counter() - self._began
        self._profiler.stop()
        self.closed = True
        kind = DeviceType.CUDA if self.device.startswith("cuda") else DeviceType.CPU
        events = [event for event in self._profiler.events() if event.device_type == kind]
        kernels = [event for event in events if not event.name.startswith(("Memcpy", "Memset"))]
        spent: Counter[str] = Counter()
        for event in kernels:
            spent[event.name[:90]] += event.time_range.elapsed_us()
        total = sum(spent.values()) or 1.0
        self.found = {
            "rounds": self._rounds,
            "seconds": seconds,
            "busy": covered(_intervals(kernels)) / 1e6 / seconds,
            "busy_with_copies": covered(_intervals(events)) / 1e6 / seconds,
            "kernels": len(kernels),
            "top": {name: us / total for name, us in spent.most_common(TOP)},
        }

    def _wait(self) -> None:
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()


def covered(intervals: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals (start, end)."""
    length, reached = 0.0, float("-inf")
    for start, end in sorted(intervals):
        length += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return length


def _intervals(events: Iterable[Any]) -> list[tuple[float, float]]:
    """Microseconds."""
    return [(event.time_range.start, event.time_range.end) for event in events]
