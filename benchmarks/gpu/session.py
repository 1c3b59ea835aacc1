"""Parts one after another within a time: none takes another's, and what each found is kept at once."""

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.apart import ROOT, quiet
from benchmarks.gpu.setup import Setup
from fedsoft.files import write_json

WARNING = 0.9
"""Of a part's time, what it is told that it has: the rest is for ending by itself."""


@dataclass(frozen=True)
class Part:
    """A part.

    Attributes:
        name: its name.
        function: ``module:function``, from a `Setup` to rows.
        share: of the time, relative to those of the others: the seconds that it should need on an H100.
    """

    name: str
    function: str
    share: float


PARTS = (
    Part("checks", "benchmarks.gpu.checks:rows", 100),
    Part("agreement", "benchmarks.gpu.agreement:rows", 50),
    Part("stacks", "benchmarks.gpu.stacks:rows", 100),
    Part("busy", "benchmarks.gpu.busy:rows", 60),
    Part("heads", "benchmarks.gpu.studies:heads", 200),
    Part("strategies", "benchmarks.gpu.studies:strategies", 100),
    Part("images", "benchmarks.gpu.studies:images", 150),
    Part("audit_images", "benchmarks.gpu.studies:audit_images", 100),
)
"""The most important first."""
UNTIMED = ("checks", "audit_images")
"""Parts that are no benchmarks."""
SECONDS = 840.0
"""For all of them."""
NO_CARD = "No card is here, so nothing is measured on one; --device cpu --smoke tries everything out."


def machine(device: str) -> dict[str, Any]:
    """What it is measured on."""
    found: dict[str, Any] = {
        "device": device,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    if device.startswith("cuda"):
        card = torch.cuda.get_device_properties(device)
        found |= {"card": card.name, "gib": card.total_memory / 2**30, "cuda": torch.version.cuda}
    return found


def run(parts: Sequence[Part], setup: Setup, machine: dict[str, Any]) -> dict[str, Any]:
    """Do parts, each within its share of the time that those before it left.

    In ``setup.out``, `gpu.json` is written after every part and `gpu.jsonl` row by row; `gpu.log` is all
    that they say.

    Args:
        parts: in order.
        setup: with the seconds of all together.
        machine: what it is measured on.

    Returns:
        ``machine``, and ``parts``: of each its ``seconds``, how it ``ended`` and its ``rows``.
    """
    setup.out.mkdir(parents=True, exist_ok=True)
    for name in ("gpu.jsonl", "gpu.log"):
        (setup.out / name).unlink(missing_ok=True)
    results: dict[str, Any] = {"machine": machine, "parts": {}}
    end = time.monotonic() + setup.seconds
    for number, part in enumerate(parts):
        began = time.monotonic()
        limit = max(0.0, end - began) * part.share / sum(one.share for one in parts[number:])
        ended = _do(part, setup, limit)
        results["parts"][part.name] = {
            "seconds": time.monotonic() - began,
            "ended": ended,
            "rows": _rows(setup.out / "gpu.jsonl", part.name),
        }
        print(f"{part.name}: {ended}, {time.monotonic() - began:.0f} of {limit:.0f} s", flush=True)
        write_json(setup.out / "gpu.json", results)
    return results


def _do(part: Part, setup: Setup, limit: float) -> str:
    """Do one part in a process group of its own; how it ended."""
    log = setup.out / "gpu.log"
    with tempfile.TemporaryDirectory(prefix="fedsoft-gpu-") as folder, log.open("a") as said:
        told = replace(setup, seconds=WARNING * limit, folder=Path(folder))
        rows = str((setup.out / "gpu.jsonl").absolute())
        command = [sys.executable, "-m", "benchmarks.gpu.part", part.name, part.function, told.dump(), rows]
        before = log.stat().st_size
        process = subprocess.Popen(
            command, cwd=ROOT, env=quiet(), stdout=said, stderr=said, start_new_session=True
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            return f"stopped after {limit:.0f} s"
        finally:
            _kill(process)
    if status == 0:
        return "done"
    with log.open(errors="replace") as lines:
        lines.seek(before)
        return f"failed: {(lines.read().strip().splitlines() or [f'status {status}'])[-1]}"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process, and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _rows(file: Path, part: str) -> list[dict[str, Any]]:
    """The rows of a part, of which the last may be cut short."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        if row.pop("part") == part:
            rows.append(row)
    return rows
