"""Reports: tables, figures and one page that a person reads."""

from pathlib import Path

__all__ = ["write_report"]

WIDE = 110
"""Columns of what is written to a file or another program, which do not wrap it."""


def write_report(folder: Path, figures: Path | None = None) -> Path:
    """Score a study's finished runs anew, print its tables and verdict, and write ``report.html``.

    Args:
        folder: the study's folder of results.
        figures: where to write every figure as a PNG of its own, if anywhere.

    Returns:
        The path of the page.

    Raises:
        StoreError: the folder holds no study.
    """
    # Heavy imports wait: the live display shares this package.
    from rich.console import Console

    from fedsoft.analysis.digest import digest
    from fedsoft.files import write_text
    from fedsoft.report.failures import damage_lines
    from fedsoft.report.page import page
    from fedsoft.report.pictures import write_figures
    from fedsoft.report.terminal import show
    from fedsoft.study.opened import reopen_study

    opened, console = reopen_study(folder), Console()
    for line in (*opened.kept, *damage_lines(opened.damaged)):
        console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
    result = digest(opened)
    path = folder / "report.html"
    write_text(path, page(result))
    if figures:
        write_figures(result, figures)
    show(result, path, console if console.is_terminal else Console(width=WIDE))
    return path
