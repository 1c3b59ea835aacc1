"""A part in a process of its own: each row is in the file as soon as it is known.

python -m benchmarks.gpu.part NAME MODULE:FUNCTION SETUP ROWS.jsonl
"""

import importlib
import json
import logging
import sys
from pathlib import Path

from benchmarks.gpu.setup import Setup


def main() -> None:
    """Do a part."""
    name, function, setup, file = sys.argv[1:]
    logging.getLogger("flwr").setLevel(logging.ERROR)
    module, attribute = function.split(":")
    with Path(file).open("a") as lines:
        for row in getattr(importlib.import_module(module), attribute)(Setup.load(setup)):
            lines.write(json.dumps({"part": name, **row}) + "\n")
            lines.flush()
            print(f"{name}: {json.dumps(row)}", flush=True)


if __name__ == "__main__":
    main()
