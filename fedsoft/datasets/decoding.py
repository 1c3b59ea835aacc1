"""One picture's file as a person sees it: what Pillow leaves to those who use it."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from fedsoft.datasets.seen import Unreadable, over_white
from fedsoft.errors import in_a_line

WHITE_16 = 0xFFFF
WHITE_IS_ZERO, PHOTOMETRIC = 0, 262
"""TIFF 6.0, section 4: in which direction brightness counts."""

BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)

REPLACE = "replace it or remove its annotations"
DEPTH = "save it with 8 or 16 bits a channel, or remove its annotations"


def decode(file: Path, size: int) -> np.ndarray:
    """(size, size, 3) uint8 RGB of a file that holds a picture.

    Raises:
        Unreadable: it cannot be read, or has more pixels than Pillow decodes without a warning.
    """
    try:
        if file.exists() and not file.is_file():  # a pipe, say, from which nothing would ever come
            raise Unreadable(f"{file} is not a file{' but a folder' if file.is_dir() else ''}", REPLACE)
        if file.exists() and not file.stat().st_size:
            raise Unreadable(f"{file} is empty, and so not a readable image", REPLACE)
        return _decoded(file, size)
    except Unreadable:
        raise
    except BOMB:
        cause = f"{file} has {_dimensions(file)} pixels, of which at most {Image.MAX_IMAGE_PIXELS:,} are read"
        raise Unreadable(cause, "shrink it or remove its annotations") from None
    except FileNotFoundError:
        raise Unreadable(f"{file} does not exist", "add it or remove its annotations") from None
    except UnidentifiedImageError:
        cause = f"{file} is not a readable image (its content is of no known format)"
        raise Unreadable(cause, "save it as PNG or JPEG, or remove its annotations") from None
    except Exception as error:  # decoders raise anything from damaged files
        raise Unreadable(f"{file} is not a readable image ({in_a_line(error)})", REPLACE) from None


def _decoded(file: Path, size: int) -> np.ndarray:
    with _warned_of_bombs_alone(), Image.open(file) as image:
        key = _transparent_value(image)
        image.load()
        if key is not None:
            image.info["transparency"] = key
        ImageOps.exif_transpose(image, in_place=True)
        if image.mode == "F":
            raise Unreadable(f"{file} holds real numbers, of which none is known to be white", DEPTH)
        seen: Image.Image = _eight_bits(image, file) if image.mode.startswith("I") else image
        if seen.has_transparency_data:  # before resizing: colours that nobody sees must not spread
            seen = Image.fromarray(over_white(np.asarray(seen.convert("RGBA"))))
        return np.asarray(seen.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))


@contextlib.contextmanager
def _warned_of_bombs_alone() -> Iterator[None]:
    """Their warning is an error; nobody sees the metadata that others are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _dimensions(file: Path) -> str:
    """Width × height of a picture that Pillow refuses to open for its size; decodes nothing."""
    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with _warned_of_bombs_alone(), Image.open(file) as image:
            return f"{image.width:,} × {image.height:,}"
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _eight_bits(image: Image.Image, file: Path) -> Image.Image:
    """A greyscale picture of 16 bits, which Pillow would clip, scaled to 8."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > WHITE_16:
        raise Unreadable(
            f"{file} holds whole numbers beyond 16 bits, of which none is known to be white", DEPTH
        )
    brightness = WHITE_16 - values if _counts_down(image) else values
    scaled = np.rint(brightness / 257).astype(np.uint8)
    key = image.info.get("transparency")
    return Image.fromarray(scaled if key is None else np.where(values == key, np.uint8(255), scaled))


def _counts_down(image: Image.Image) -> bool:
    """Whether 0 is white, which Pillow minds at 8 bits only."""
    tags: Mapping[int, int] = getattr(image, "tag_v2", {})
    return tags.get(PHOTOMETRIC) == WHITE_IS_ZERO


def _transparent_value(image: ImageFile.ImageFile) -> int | tuple[int, ...] | None:
    """What PNG's tRNS says is transparent, on the scale of pixels, where Pillow leaves it on the file's."""
    key = image.info.get("transparency")
    layout = str(image.tile[0].args) if image.tile else ""
    if isinstance(key, int) and layout in ("L;2", "L;4"):
        return key * (85 if layout == "L;2" else 17)
    if isinstance(key, tuple) and layout == "RGB;16B":  # of which Pillow keeps the high bytes
        return tuple(value >> 8 for value in key)
    return None
