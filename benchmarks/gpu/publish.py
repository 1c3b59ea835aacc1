"""Make `benchmarks/gpu.json` and the tables of `benchmarks/README.md` from what was found on a card.

python -m benchmarks.gpu.publish FOLDER...
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.gpu.table import readme
from fedsoft.files import read_json, write_json, write_text

HERE = Path(__file__).parents[1]
BEGIN, END = "<!-- gpu -->", "<!-- end of gpu -->"


def joined(folders: Sequence[Path]) -> dict[str, Any]:
    """The parts of several sessions on the same kind of card; of one that was done twice, the last.

    Raises:
        ValueError: they are of several kinds.
    """
    found = [read_json(folder / "gpu.json") for folder in folders]
    machines = [one["machine"] for one in found]
    if any(machine != machines[0] for machine in machines):
        raise ValueError(f"the sessions are of several machines: {machines}; publish those of one.")
    return {"machine": machines[0], "parts": {name: p for one in found for name, p in one["parts"].items()}}


def publish(results: dict[str, Any], folder: Path = HERE) -> None:
    """Write the results, and their tables between their marks in the README."""
    write_json(folder / "gpu.json", results)
    text = (folder / "README.md").read_text()
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    write_text(folder / "README.md", f"{before}{BEGIN}\n\n{readme(results)}\n\n{after}")


if __name__ == "__main__":
    publish(joined([Path(folder) for folder in sys.argv[1:]]))
