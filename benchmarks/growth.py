"""How time and memory grow: `fedsoft run` of the study of many clients, every point in its own process."""

import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.apart import ROOT, measure
from fedsoft.config import read_study, validate

STUDY = ROOT / "configs/scale.toml"
ONE_RUN = ('sources=["hard"]', "rounds=10")
TEN = ("scenario.clients=10", "scenario.participation=1.0")
CURVES: dict[str, dict[int, tuple[str, ...]]] = {
    "clients": {
        k: (*ONE_RUN, f"scenario.clients={k}", f"scenario.participation={100 / k}")
        for k in (100, 1_000, 10_000, 100_000)
    },
    "rounds": {r: (*ONE_RUN, *TEN, f"rounds={r}") for r in (10, 100, 1_000)},
    "runs": {n: (*ONE_RUN, *TEN, f"seeds={list(range(n))}") for n in (1, 4, 16, 64)},
    "hidden units": {h: (*ONE_RUN, *TEN, f"model.hidden=[{h}]") for h in (64, 1_024, 16_384)},
}
"""What is set in the study, by what grows and how far."""


def grow(folder: Path) -> dict[str, list[dict[str, float]]]:
    """Seconds and peak GiB along each curve, start-up and report included; one measurement a point."""
    return {
        name: [
            {name: size, **_point(folder / f"{name}-{size}", settings)} for size, settings in curve.items()
        ]
        for name, curve in CURVES.items()
    }


def scale(folder: Path, repeats: int) -> dict[str, Any]:
    """The whole study as it stands, with its report, in one process: medians."""
    study = validate(read_study(STUDY), str(STUDY))
    points = [_point(folder / f"scale-{repeat}", ()) for repeat in range(repeats)]
    imports = "import fedsoft.execution.lockstep, fedsoft.report.page"
    return {
        "clients": study.scenario.clients,
        "runs": len(study.arms) * len(study.strategies) * len(study.seeds),
        "rounds": study.rounds,
        "participation": study.scenario.participation,
        "imports_gib": measure([sys.executable, "-c", imports])[1],
        **{name: median(point[name] for point in points) for name in points[0]},
    }


def _point(folder: Path, settings: tuple[str, ...]) -> dict[str, float]:
    command = [sys.executable, "-m", "fedsoft.cli", "run", str(STUDY), "--workers", "1", "--out", str(folder)]
    seconds, peak = measure([*command, *(word for setting in settings for word in ("--set", setting))])
    return {"seconds": seconds, "peak_gib": peak}
