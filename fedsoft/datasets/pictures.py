"""Pictures as a person sees them: many at once, and which of them cannot be read."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path, PurePath

import numpy as np

from fedsoft.datasets.seen import Told, Unreadable
from fedsoft.errors import DataError
from fedsoft.parallel import in_parallel

ENDINGS = (
    {".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".ico", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg"}
    | {".jpg", ".jpx", ".pbm", ".pcx", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)  # fmt: skip
"""Of files that are pictures, some of which cannot be read and are then refused by name."""

TOGETHER = 64
"""Pictures a task of a core; so many alone are read faster than a process is forked for them."""

NAMED = 5
"""Pictures named at most beside the first, where several cannot be read."""


class PictureError(DataError):
    """Pictures that cannot be read.

    Attributes:
        failures: what is wrong with each, a sentence, by its place among the files that were to be read.
    """

    def __init__(self, sentence: str, failures: Mapping[int, str] | None = None) -> None:
        super().__init__(sentence)
        self.failures = dict(failures or {})


def is_picture(name: str | PurePath) -> bool:
    """Whether a file's name ends as a picture's does, in capitals or not."""
    return PurePath(name).suffix.lower() in ENDINGS


def read_pictures(files: Sequence[Path], size: int) -> np.ndarray:
    """(N, size, size, 3) uint8 RGB: pictures as a person sees them, each resized without regard to its shape.

    Rotation that a camera noted is applied, what is transparent lies on white, 16 bits are scaled to 8, and
    palettes and other colour spaces become RGB. Of an animation or a document it is the first frame or page.

    Raises:
        PictureError: some cannot be read, or are larger than Pillow decodes without a warning.
    """
    parts = [files[first : first + TOGETHER] for first in range(0, len(files), TOGETHER)]
    read = in_parallel([partial(_read_together, part, size) for part in parts])
    failures = {
        part * TOGETHER + place: told
        for part, (_, failed) in enumerate(read)
        for place, told in failed.items()
    }
    if failures:
        raise _error(files, failures)
    return np.concatenate([np.empty((0, size, size, 3), dtype=np.uint8), *(pictures for pictures, _ in read)])


def _read_together(files: Sequence[Path], size: int) -> tuple[np.ndarray, dict[int, Told]]:
    """Pictures, and by place what is wrong with those that cannot be read."""
    from fedsoft.datasets.decoding import decode  # here, since who lists datasets needs no Pillow

    pictures = np.empty((len(files), size, size, 3), dtype=np.uint8)
    failures: dict[int, Told] = {}
    for place, file in enumerate(files):
        try:
            pictures[place] = decode(file, size)
        except Unreadable as error:
            failures[place] = error.told
    return pictures, failures


def _error(files: Sequence[Path], failures: dict[int, Told]) -> PictureError:
    """The first in full, the next by name."""
    (cause, mend), *others = failures.values()
    if others:
        names = [files[place].name for place in list(failures)[1 : NAMED + 1]]
        rest = f" and {len(others) - NAMED:,} more" if len(others) > NAMED else ""
        cause += f"; so it is with {len(others):,} more of {len(files):,} ({', '.join(names)}{rest})"
    sentences = {place: f"{one}; {its_mend}." for place, (one, its_mend) in failures.items()}
    return PictureError(f"{cause}; {mend}.", sentences)
