"""Where downloaded and prepared data lie."""

import os
from pathlib import Path


def data_folder() -> Path:
    """The data folder: ``$FEDSOFT_DATA`` where it is set, else ``~/.cache/fedsoft``."""
    return Path(os.environ.get("FEDSOFT_DATA") or "~/.cache/fedsoft").expanduser()
