"""Check, time and run fedsoft on a card, within a time.

    python -m benchmarks.gpu --seconds 840 --out runs/gpu          # everything, the most important first
    python -m benchmarks.gpu --parts heads images --seconds 400    # some parts
    python -m benchmarks.gpu --device cpu --smoke                  # everything, tiny, without a card

Every part has a share of the time and a process of its own, and leaves what it found at once: `gpu.json`
(all), `gpu.jsonl` (row by row), `gpu.log` (what was said), `audit_images.html`. From these
`python -m benchmarks.gpu.publish runs/gpu` makes the tables of `benchmarks/README.md`.
"""

import argparse
import os
import sys
from pathlib import Path

import torch

from benchmarks.gpu.session import NO_CARD, PARTS, SECONDS, machine, run
from benchmarks.gpu.setup import Setup


def main() -> None:
    """Parse, and run the parts."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--parts", nargs="+", choices=[part.name for part in PARTS])
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for all parts together")
    parser.add_argument("--seeds", type=int, default=0, help="of the study of heads; 0 for all")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="processes without a card")
    parser.add_argument("--smoke", action="store_true", help="as little as shows that it works")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    options = parser.parse_args()
    if not options.seconds > 0 or options.seeds < 0 or options.cores < 1:
        parser.error("--seconds must be above 0, --seeds 0 or more, and --cores 1 or more")
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out must be a folder, and {options.out} is a file")
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit(NO_CARD)
    setup = Setup(
        device=options.device,
        cores=options.cores,
        seeds=options.seeds,
        smoke=options.smoke,
        seconds=options.seconds,
        out=options.out.absolute(),
    )
    parts = [part for part in PARTS if not options.parts or part.name in options.parts]
    results = run(parts, setup, machine(options.device))
    if undone := [name for name, part in results["parts"].items() if part["ended"] != "done"]:
        sys.exit(f"Not done: {', '.join(undone)}; see {options.out / 'gpu.json'}.")


if __name__ == "__main__":
    main()
