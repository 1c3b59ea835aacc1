"""The figures of a report as files, for papers and talks."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

from fedsoft.files import write_bytes
from fedsoft.report.gallery import Plate, grid_plates, map_plate, plates
from fedsoft.report.shown import axes_name, in_detail
from fedsoft.study.digest import Digest

DPI = 130


def write_figures(result: Digest, folder: Path) -> list[Path]:
    """Write every figure of the report as a PNG, named by study, cell and title; returns their paths."""
    paths = []
    for name, plate in _named(result):
        buffer = io.BytesIO()
        plate.figure.savefig(buffer, format="png", dpi=DPI)
        paths.append(folder / f"{name}.png")
        write_bytes(paths[-1], buffer.getvalue())
    return paths


def _named(result: Digest) -> Iterator[tuple[str, Plate]]:
    study = result.opened.plan.study.name
    for plate in grid_plates(result):
        yield _slug(f"{study} {plate.title}"), plate
    for shown in in_detail(result):
        drawn = [*plates(shown), map_plate(shown)]
        for plate in filter(None, drawn):
            yield _slug(f"{study} {axes_name(shown.cell.axes)} {plate.title}"), plate


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-")
