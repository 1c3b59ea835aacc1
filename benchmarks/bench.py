"""Measure fedsoft beside a plain loop, bare arithmetic, stock Flower and pfl, in one run, on the same work.

    python -m benchmarks.bench                                  # everything: 18 minutes on two cores
    python -m benchmarks.bench --only features_mlp --no-stock   # some of it: printed, not written
    python -m benchmarks.bench --repeats 1 --no-study           # likewise, to try a contest out

Writes `benchmarks/results.json` and the tables in `benchmarks/README.md`; where there is a card, also
`benchmarks/gpu.json` and its tables. Against the loop and the limit, a
ratio is fedsoft's time over theirs; against stock Flower and pfl it says how many times longer they take.
"""

import argparse
import json
import logging
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks import flagship, growth, pfl_peer, private, ray_workers, rounds, strategies
from benchmarks.gpu import publish, session
from benchmarks.gpu.setup import Setup
from benchmarks.table import RATIOS, readme
from benchmarks.workloads import WORKLOADS
from fedsoft.files import write_json, write_text

HERE = Path(__file__).parent
PARTS = ("stock", "pfl", "strategies", "private", "study", "scale", "growth", "ray", "gpu")
MARK = "<!-- results -->"


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All contests that are asked for. One that fails is named under ``errors``, and the others go on."""
    wanted = {part: not getattr(options, f"no_{part}") for part in PARTS}
    results: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "processor": _processor(), "torch": torch.__version__},
        "repeats": options.repeats,
        "ms": {},
        **{name: {} for name in RATIOS},
        "errors": {},
    }

    def attempt(what: str, contest: Callable[[], Any]) -> Any:
        try:
            found = contest()
        except Exception as error:  # named in the results: nothing is skipped silently
            results["errors"][what] = f"{type(error).__name__}: {error}"
            found = None
        print(f"{what}: {json.dumps(found) if found else results['errors'][what]}", flush=True)
        return found

    python = attempt("pfl", lambda: pfl_peer.install(folder / "pfl")) if wanted["pfl"] else None
    for w in (w for w in WORKLOADS if not options.only or w.name in options.only):
        times = attempt(w.name, partial(rounds.compare, w, folder, options.repeats))
        if times is None:
            continue
        peers: dict[str, Callable[[], Any]] = {}
        if wanted["stock"]:
            peers["stock"] = partial(rounds.stock, w, folder)
        if python:
            peers["pfl"] = partial(rounds.pfl, w, folder, python)
        for peer, contest in peers.items():
            if seconds := attempt(f"{w.name} on {peer}", contest):
                times[f"{peer}_round"] = seconds
        results["ms"][w.name] = {name: 1000 * median(spent) for name, spent in times.items()}
        for name, value in rounds.ratios(times).items():
            results[name][w.name] = value
    if wanted["pfl"] and python is None:
        results["round_vs_pfl"] = f"not measured: {results['errors']['pfl']}"
    contests: dict[str, Callable[[], Any]] = {
        "strategies": lambda: strategies.compare(options.only, folder / "strategies", options.repeats),
        "private": lambda: private.compare(options.only, folder / "private", options.repeats),
        "study": lambda: flagship.compare(folder / "study", options.repeats),
        "scale": lambda: growth.scale(folder, options.repeats),
        "growth": lambda: growth.grow(folder),
        "ray": lambda: ray_workers.run(folder / "ray"),
    }
    for name, contest in contests.items():
        if wanted[name]:
            results[name] = attempt(name, contest)
    if results.get("study"):
        results["study_vs_stock"] = results["study"]["study_vs_stock"]
    return results


def on_a_card(folder: Path, written: bool) -> None:
    """The contests on a card, where there is one; what is found is written by itself, or printed."""
    if not torch.cuda.is_available():
        print(session.NO_CARD)
        return
    setup = Setup("cuda", os.cpu_count() or 1, seeds=0, smoke=False, seconds=session.SECONDS, out=folder)
    timed = [part for part in session.PARTS if part.name not in session.UNTIMED]
    found = session.run(timed, setup, session.machine("cuda"))
    if written:
        publish.publish(found)
    else:
        print(publish.readme(found))


def _processor() -> str:
    """The processor's name, as far as the system tells."""
    cpus = Path("/proc/cpuinfo")
    named = [line for line in cpus.read_text().splitlines() if "model name" in line] if cpus.exists() else []
    return named[0].split(":")[1].strip() if named else platform.machine()


def main() -> None:
    """Run the contests, and write the results if all of them ran."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--only", nargs="+", choices=[w.name for w in WORKLOADS])
    parser.add_argument("--repeats", type=int, default=5)
    for part in PARTS:
        parser.add_argument(f"--no-{part}", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("flwr").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="fedsoft-bench-") as folder:
        results = measure(options, Path(folder))
        whole = options == parser.parse_args([])
        if not options.no_gpu:
            on_a_card(Path(folder) / "gpu", whole)
    print(readme(results))
    if whole:
        write_json(HERE / "results.json", results)
        text = (HERE / "README.md").read_text()
        write_text(HERE / "README.md", f"{text[: text.index(MARK)]}{MARK}\n\n{readme(results)}\n")
    if results["errors"].keys() - {"pfl"}:  # the one contestant that may be missing
        sys.exit(f"Not measured: {', '.join(results['errors'])}.")


if __name__ == "__main__":
    main()
