"""The figures of a report as files, for papers and talks."""

import io
import re
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from fedsoft.analysis.digest import Digest
from fedsoft.files import write_bytes
from fedsoft.parallel import in_parallel
from fedsoft.report.gallery import Plate, all_plates

DPI = 130


def write_figures(result: Digest, folder: Path) -> list[Path]:
    """Write every figure of the report as a PNG, named by study, cell and title; returns their paths."""
    hung, paths, study = all_plates(result), [], result.opened.plan.study.name
    for plate, picture in zip(hung, in_parallel([partial(_picture, plate) for plate in hung]), strict=True):
        if picture:
            paths.append(folder / f"{_slug(f'{study} {plate.where} {plate.title}')}.png")
            write_bytes(paths[-1], picture)
    return paths


def png(figure: Figure) -> bytes:
    """The figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()


def _picture(plate: Plate) -> bytes | None:
    figure = plate.draw()
    return None if figure is None else png(figure)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-")
