import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedsoft.analysis.cartography import Atlas, TrainingMap
from fedsoft.analysis.digest import Digest, digest
from fedsoft.report import figures
from fedsoft.report.cartography_table import cartography_note, cartography_table
from fedsoft.report.numbers import signed
from fedsoft.report.page import page
from fedsoft.report.shown import Shown
from fedsoft.study.opened import reopen_study


@pytest.fixture(scope="module")
def mapped(run_tiny: Callable[..., Path]) -> Path:
    """The folder of a tiny study with maps."""
    sources = ["hard", "human_hard", "human_soft", "smoothing", {"name": "votes_k", "k": 3}]
    return run_tiny(sources=sources, cartography=True, scenario={"clients": 3, "votes": 9})


def test_the_table_says_what_the_file_says(mapped: Path) -> None:
    result = digest(reopen_study(mapped))
    shown, atlas = Shown(result, result.cells[0]), result.cells[0].atlas
    assert atlas is not None
    table = cartography_table(shown, atlas)
    with (mapped / "cartography.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["strategy"] == "fedavg"]
    assert table.columns == ("source", "confidence", "variability", "correctness")
    for place, quantity in enumerate(table.columns[1:], 1):
        written = {r["source"]: signed(float(r["correlation"])) for r in rows if r["quantity"] == quantity}
        assert {row[0].text: row[place].text for row in table.rows} == written
    html = page(result)
    assert html.index("<h2>Effects</h2>") < html.index("<h2>Cartography</h2>") < html.index("<h2>Clients")
    assert "votes that no client bought (simulated crowd)" in html
    assert ">human entropy (nats)</text>" in html


def test_votes_that_were_trained_on_are_called_so(mapped: Path) -> None:
    result = digest(reopen_study(mapped))
    shown, atlas = Shown(result, result.cells[0]), result.cells[0].atlas
    assert atlas is not None
    note = cartography_note(shown, Atlas("trained on", atlas.correlations, atlas.maps))
    assert "the votes that clients trained on (simulated crowd)" in note
    assert "no client bought" not in note


def test_a_hexagon_has_the_mean_human_entropy_of_its_examples(mapped: Path) -> None:
    result = digest(reopen_study(mapped))
    shown = Shown(result, result.cells[0])
    place = np.array([0.2, 0.2, 0.1])
    lies = TrainingMap(np.array([0.5, 0.5, 0.9]), place, place, np.array([0.2, 0.6, 0.0]))
    maps = {("fedavg", source): lies for source in shown.sources}
    figure = figures.cartography(shown, Atlas("unseen", [], maps))
    panels = [axes for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in panels] == shown.compared_first
    assert len({(axes.get_xlim(), axes.get_ylim()) for axes in panels}) == 1
    for axes in panels:
        np.testing.assert_allclose(sorted(axes.collections[0].get_array()), [0, 0.4])


def test_without_maps_there_is_no_section(result: Digest) -> None:
    assert "Cartography" not in page(result)
